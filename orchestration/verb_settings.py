"""What verbs have in common in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

BATCHES_AT_ONCE = 2
"""Batches in flight in one process; each has threads of its own."""

Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]

Prepare: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], Arguments]
"""Checks and resolves the arguments of a verb before a run exists."""


def unchanged(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Return the arguments as they are."""
    return args, kwargs
