"""Connections, kept for the next storage with the same identity (PM-6 to PM-10).

Keyed by type and a keyed hash of what decides the connection: parts are separated, secrets are
never readable in a key. Sliding time to live, bounded, safe across threads and forks; what is
evicted is closed once its last user has let go; a connection that failed is never kept. There is
no sweeping thread: each use sweeps what has expired.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakSet

from providers.base import OpenOptions, ProviderSettings, Storage
from providers.connection import Connection
from providers.error_boundary import open_connection

_SALT = secrets.token_bytes(32)


def cache_key(settings: ProviderSettings, options: OpenOptions) -> str:
    """Return a key that two settings share exactly when they can share a connection.

    The place (bucket, prefix, URL, headers …) is no part of it: each storage reads that.
    """
    digest = hashlib.blake2b(key=_SALT, digest_size=20)
    for part in (*settings.connection_key(), options):
        text = repr(part).encode(errors="surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    kind = type(settings).model_fields["type"].default
    return f"{kind}|{digest.hexdigest()}"


@dataclass(slots=True, eq=False)
class _Entry:
    last_used_s: float
    connection: Connection | None = None
    users: int = 0
    evicted: bool = False
    connecting: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Close the connection, if it came to one."""
        if self.connection is not None:
            self.connection.close()


class ConnectionCache:
    """Connections by key."""

    def __init__(
        self,
        *,
        ttl_s: float = 3600.0,
        capacity: int = 64,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep each for `ttl_s` after its last use (0 or less: for ever), at most `capacity`."""
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._inherited: list[_Entry] = []
        self._lock = threading.Lock()
        _CACHES.add(self)

    def __len__(self) -> int:
        """Count the connections kept."""
        return len(self._entries)

    @contextmanager
    def opened(self, settings: ProviderSettings, options: OpenOptions) -> Generator[Storage]:
        """Yield a storage; its connection stays open at least as long as it is in use."""
        entry, closing = self._taken(cache_key(settings, options))
        try:
            for one in closing:
                one.close()
            connection = self._connected(entry, settings, options)
            yield settings.storage(connection, options)
        finally:
            self._let_go(entry)

    def _taken(self, key: str) -> tuple[_Entry, list[_Entry]]:
        """Return the entry of a key, held by one user more, and what to close now."""
        with self._lock:
            now_s = self._clock()
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(now_s)
            entry.users += 1
            entry.last_used_s = now_s  # before the sweep: what is asked for again lives on
            return entry, self._swept(now_s)

    def _connected(
        self, entry: _Entry, settings: ProviderSettings, options: OpenOptions
    ) -> Connection:
        """Connect where no other user of the entry did; only those who need it wait."""
        with entry.connecting:
            if entry.connection is None:
                try:
                    entry.connection = open_connection(settings, options)
                except BaseException:
                    self._forget(entry)
                    raise
            return entry.connection

    def _forget(self, entry: _Entry) -> None:
        with self._lock:
            entry.evicted = True  # should one who waits succeed, its last user closes it
            self._entries = {key: one for key, one in self._entries.items() if one is not entry}

    def _let_go(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            entry.last_used_s = self._clock()
            close = entry.evicted and entry.users == 0
        if close:
            entry.close()

    def _swept(self, now_s: float) -> list[_Entry]:
        """Evict what has expired or is too many, longest unused first; return what to close now."""
        by_age = sorted(
            self._entries.items(), key=lambda item: (item[1].users > 0, item[1].last_used_s)
        )
        excess = len(by_age) - self._capacity
        closing: list[_Entry] = []
        for index, (key, entry) in enumerate(by_age):
            idle = entry.users == 0
            expired = idle and 0 < self._ttl_s < now_s - entry.last_used_s
            if expired or index < excess:
                del self._entries[key]
                entry.evicted = True
                if idle:
                    closing.append(entry)
        return closing

    def sweep(self) -> int:
        """Close what has expired and return how many that were."""
        with self._lock:
            closing = self._swept(self._clock())
        for entry in closing:
            entry.close()
        return len(closing)

    def clear(self) -> None:
        """Close everything that is not in use, and the rest when it is let go."""
        with self._lock:
            entries, self._entries = list(self._entries.values()), {}
            for entry in entries:
                entry.evicted = True
            closing = [entry for entry in entries if entry.users == 0]
        for entry in closing:
            entry.close()

    def begin_anew(self) -> None:
        """Forget everything in a forked child: its sockets and threads are the parent's.

        What was inherited is kept to the side, so that no destructor says goodbye on a socket
        that the parent still uses; the lock is new since another thread may have held it.
        """
        self._lock = threading.Lock()
        self._inherited += self._entries.values()
        for entry in self._inherited:
            entry.evicted = False
        self._entries = {}


_CACHES: WeakSet[ConnectionCache] = WeakSet()


def _begin_anew() -> None:
    for one in list(_CACHES):
        one.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)

STORAGES = ConnectionCache()
"""The process's own."""
