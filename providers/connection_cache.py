"""A cache of connections, shared by storages with the same identity (PM-6 to PM-10).

The key is the provider type and a keyed hash of everything the connection depends on, so that no
secret can be read from it. The cache is bounded and safe across threads and forks; entries expire
some time after their last use. An evicted connection is closed when its last user releases it; a
failed one is never cached. There is no background thread: each use evicts what has expired.
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
    """Return a key that two settings share exactly if they can share a connection.

    The location (bucket, prefix, URL, headers …) is not part of it.
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
        """Close the connection, if there is one."""
        if self.connection is not None:
            self.connection.close()


class ConnectionCache:
    """Caches connections by key."""

    def __init__(
        self,
        *,
        ttl_s: float = 3600.0,
        capacity: int = 64,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep each for `ttl_s` after its last use (0 or less: for ever); at most `capacity`."""
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._inherited: list[_Entry] = []
        self._lock = threading.Lock()
        _CACHES.add(self)

    def __len__(self) -> int:
        """Return the number of cached connections."""
        return len(self._entries)

    @contextmanager
    def open(self, settings: ProviderSettings, options: OpenOptions) -> Generator[Storage]:
        """Yield a storage; its connection stays open at least as long as it is in use."""
        entry, closing = self._acquire(cache_key(settings, options))
        try:
            for one in closing:
                one.close()
            connection = self._connect(entry, settings, options)
            yield settings.storage(connection, options)
        finally:
            self._release(entry)

    def _acquire(self, key: str) -> tuple[_Entry, list[_Entry]]:
        """Return the entry of a key with one more user, and the entries to close now."""
        with self._lock:
            now_s = self._clock()
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(now_s)
            entry.users += 1
            entry.last_used_s = now_s  # before eviction, so that a used entry is not evicted
            return entry, self._evict(now_s)

    def _connect(
        self, entry: _Entry, settings: ProviderSettings, options: OpenOptions
    ) -> Connection:
        """Connect unless another user of the entry has; only users of this entry wait."""
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
            entry.evicted = True  # if a waiting user succeeds, its last user closes it
            self._entries = {key: one for key, one in self._entries.items() if one is not entry}

    def _release(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            entry.last_used_s = self._clock()
            close = entry.evicted and entry.users == 0
        if close:
            entry.close()

    def _evict(self, now_s: float) -> list[_Entry]:
        """Evict expired and surplus entries, least recently used first; return those to close."""
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
        """Close expired connections and return how many."""
        with self._lock:
            closing = self._evict(self._clock())
        for entry in closing:
            entry.close()
        return len(closing)

    def clear(self) -> None:
        """Close every unused connection now, and the others once they are released."""
        with self._lock:
            entries, self._entries = list(self._entries.values()), {}
            for entry in entries:
                entry.evicted = True
            closing = [entry for entry in entries if entry.users == 0]
        for entry in closing:
            entry.close()

    def reset_after_fork(self) -> None:
        """Forget everything in a forked child: its sockets and threads belong to the parent.

        Inherited entries stay referenced, so that no destructor closes a session on a socket that
        the parent still uses; the lock is new because another thread may have held it.
        """
        self._lock = threading.Lock()
        self._inherited += self._entries.values()
        for entry in self._inherited:
            entry.evicted = False
        self._entries = {}


_CACHES: WeakSet[ConnectionCache] = WeakSet()


def _reset_caches_after_fork() -> None:
    for cache in list(_CACHES):
        cache.reset_after_fork()


os.register_at_fork(after_in_child=_reset_caches_after_fork)

STORAGES = ConnectionCache()
"""The cache of this process."""
