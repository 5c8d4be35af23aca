"""Sources that send a request now and take its reply later.

One thread that has asked for the next files before it reads the reply to the first never waits
for the network: waiting, and being woken, costs more CPU than reading 10 KiB.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from providers.base import Fetched


class PendingFetch(Protocol):
    """A small file whose request was sent: it holds a connection until it is fetched or closed."""

    def fetch(self) -> Fetched:
        """Wait for the reply and read it, as `Source.fetch` does."""
        ...

    def close(self) -> None:
        """Give the request up."""
        ...


@runtime_checkable
class SupportsEarlyRequests(Protocol):
    """A source that can be asked ahead."""

    def begin_fetch(self, path: str, *, etag: str | None = None) -> PendingFetch | None:
        """Send the request for a small file; None where it would have to wait for a connection."""
        ...
