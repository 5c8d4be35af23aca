"""A user's own checks, named in a run form as `module:function`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import cast

from catalog.errors import InvalidInput
from transfer.validate import Check


def checks(names: Iterable[str]) -> tuple[Check, ...]:
    """Return the functions that `names` mean; each takes an item and its bytes or file.

    Raises:
        InvalidInput: a name leads to nothing that can be called.
    """
    return tuple(_check(name) for name in names)


def _check(name: str) -> Check:
    module, colon, function = name.partition(":")
    if not colon:
        raise InvalidInput(f"the check {name!r} is not of the form module:function")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InvalidInput(f"the check {name!r} cannot be imported: {error}") from error
    if not callable(found):
        raise InvalidInput(f"the check {name!r} is no function")
    return cast("Check", found)
