"""Connections, which are expensive to open and therefore shared between storages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

OnClose = Callable[[], None]
"""Called when a storage is closed."""


OwnConnection = Any
"""The connection type of the provider itself."""


class Connection(Protocol):
    """Clients, pools or sessions of one identity, shared by the storages opened on them (PM-5)."""

    def close(self) -> None:
        """Close everything; safe to call twice."""
        ...


class NoConnection:
    """The connection of a provider that needs none, such as a local folder."""

    def close(self) -> None:
        """Do nothing."""


def keep_open() -> None:
    """Leave the connection open: whoever opened it closes it."""
