"""What is dear to make and therefore kept: the connections below storages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

OnClose = Callable[[], None]
"""What a storage does when it is closed."""


OwnConnection = Any
"""What the same provider's `connect` returned: each knows its own kind only."""


class Connection(Protocol):
    """Clients, pools or sessions of one identity, shared by the storages made on them (PM-5)."""

    def close(self) -> None:
        """Free it all; twice is fine."""
        ...


class NoConnection:
    """The connection of what needs none, such as a local folder."""

    def close(self) -> None:
        """Do nothing."""


def keep_open() -> None:
    """Leave the connection to whoever made it."""
