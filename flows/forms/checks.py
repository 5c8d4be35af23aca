"""Checks written by users, named in a run form as `module:function`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from transfer.steps.validate import Check
from transfer.user_functions import import_function


def load_checks(names: Iterable[str]) -> tuple[Check, ...]:
    """Import the functions that `names` refer to; each takes an item and its bytes or file.

    Raises:
        InvalidInput: a name does not refer to a callable.
    """
    return tuple(cast("Check", import_function(name, "check")) for name in names)
