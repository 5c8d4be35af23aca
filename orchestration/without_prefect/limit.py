"""Limits are those of stored blocks, which a direct run does not have."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from orchestration.errors import PrefectNeeded


def set_limits(limits: Mapping[str, int]) -> None:
    """Raise `PrefectNeeded` if there is a limit."""
    for name in limits:
        raise PrefectNeeded(f"the limit {name!r}")


def hold_slot(name: str) -> AbstractContextManager[None]:
    """Raise `PrefectNeeded`."""
    raise PrefectNeeded(f"the limit {name!r}")
