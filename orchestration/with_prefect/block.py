"""Prefect's blocks; Prefect is loaded here, with the garbage collector paused."""

from __future__ import annotations

from orchestration.with_prefect.loading import load_prefect

load_prefect()

from httpx import HTTPError  # noqa: E402 - after Prefect is loaded
from prefect import get_client  # noqa: E402 - the same
from prefect.blocks.core import Block  # noqa: E402 - the same
from prefect.exceptions import ObjectNotFound, PrefectException  # noqa: E402 - the same

__all__ = ["Block", "stored_names"]

PAGE = 200  # block documents per request


def stored_names(slug: str) -> frozenset[str] | None:
    """Return the names of the stored blocks of a type, the first `PAGE`; None if unknown."""
    try:
        with get_client(sync_client=True) as client:
            documents = client.read_block_documents_by_type(slug, 0, PAGE)
    except ObjectNotFound:  # no block of the type was ever stored
        return frozenset()
    except (HTTPError, PrefectException):
        return None
    return frozenset(document.name for document in documents if document.name)
