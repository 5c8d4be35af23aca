"""A model with the fields of a block; only Prefect stores blocks."""

from __future__ import annotations

from typing import NoReturn

from pydantic import BaseModel, PrivateAttr

from orchestration.errors import PrefectNeeded
from orchestration.prefect_settings import read_prefect_settings
from orchestration.stored_names import names_in


class Block(BaseModel):
    """What a block is without Prefect: its fields, and no name."""

    _block_type_slug: str = ""
    _block_document_name: str | None = PrivateAttr(default=None)

    @classmethod
    def get_block_type_slug(cls) -> str:
        """Return the name of the type."""
        return str(cls.__private_attributes__["_block_type_slug"].get_default())

    @classmethod
    def load(cls, name: str, **_: object) -> NoReturn:
        """Raise an error: without Prefect no block can be loaded.

        Raises:
            ValueError: there is no block of this name, for sure.
            PrefectNeeded: there is one, or may be.
        """
        names = stored_names(cls.get_block_type_slug())
        if names is not None and name not in names:
            raise ValueError(f"there is no block {name!r}")
        raise PrefectNeeded(f"the stored block {name!r}")

    @classmethod
    def load_from_ref(cls, ref: object, **_: object) -> NoReturn:
        """Raise `PrefectNeeded`: ids of blocks are known to Prefect alone."""
        raise PrefectNeeded(f"the stored block {ref!r}")


def stored_names(slug: str) -> frozenset[str] | None:
    """Return the names of the stored blocks of a type; None if they are unknown."""
    return names_in(read_prefect_settings().database, slug)
