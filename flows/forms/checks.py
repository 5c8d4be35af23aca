"""A user's own checks, named in a run form as `module:function`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from transfer.steps.validate import Check
from transfer.user_functions import import_function


def checks(names: Iterable[str]) -> tuple[Check, ...]:
    """Return the functions that `names` mean; each takes an item and its bytes or file.

    Raises:
        InvalidInput: a name leads to nothing that can be called.
    """
    return tuple(cast("Check", import_function(name, "check")) for name in names)
