"""Sources that can send a request now and read the reply later (pipelining).

A thread that requests the next files before it reads the first reply never waits for the network:
waiting and waking up costs more CPU than reading 10 KiB.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from providers.base import Fetched


class PendingFetch(Protocol):
    """A requested small file; it holds a connection until it is fetched or closed."""

    def fetch(self) -> Fetched:
        """Wait for the reply and read it, as `Source.fetch` does."""
        ...

    def close(self) -> None:
        """Abandon the request."""
        ...


@runtime_checkable
class SupportsEarlyRequests(Protocol):
    """A source that can send requests ahead of reading the replies."""

    def begin_fetch(self, path: str, *, etag: str | None = None) -> PendingFetch | None:
        """Request a small file; return None if that would have to wait for a connection."""
        ...
