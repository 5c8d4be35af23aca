"""Open storages, kept for the next call with the same settings (PM-6 to PM-10).

Keyed by type and a keyed hash of what decides the connection: parts are separated, secrets are
never readable in a key. Sliding time to live, bounded, safe across threads and forks; what is
evicted is closed once its last user has let go; a storage that failed to open is never kept.
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

from providers.base import OpenOptions, ProviderSettings, Storage

_SALT = secrets.token_bytes(32)


def cache_key(settings: ProviderSettings, options: OpenOptions) -> str:
    """Return a key that two settings share exactly when they can share an open storage.

    The place (address) and what goes with each request (headers, targets, …: the settings as they
    print, secrets masked) are a part of it since a storage holds them; connections below it are
    the libraries' own pools.
    """
    requests = settings.model_dump_json()
    parts = (settings.address(), requests, *settings.connection_key(), options)
    digest = hashlib.blake2b(key=_SALT, digest_size=20)
    for part in parts:
        text = repr(part).encode()
        digest.update(len(text).to_bytes(8, "big") + text)
    kind = type(settings).model_fields["type"].default
    return f"{kind}|{digest.hexdigest()}"


@dataclass(slots=True)
class _Entry:
    storage: Storage
    last_used_s: float
    users: int = 0
    evicted: bool = field(default=False)


class StorageCache:
    """Storages by key."""

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
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def __len__(self) -> int:
        """Count the storages kept."""
        return len(self._entries)

    @contextmanager
    def opened(self, settings: ProviderSettings, options: OpenOptions) -> Generator[Storage]:
        """Yield a storage for these settings; it stays open at least as long as it is in use."""
        key = cache_key(settings, options)
        entry = self._taken(key, settings, options)
        try:
            yield entry.storage
        finally:
            self._let_go(entry)

    def _taken(self, key: str, settings: ProviderSettings, options: OpenOptions) -> _Entry:
        with self._lock:
            if self._pid != os.getpid():  # a fork shares sockets it must not use
                self._entries.clear()
                self._pid = os.getpid()
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(settings.open(options), self._clock())
            entry.users += 1
            entry.last_used_s = self._clock()
            closing = self._swept()
        for one in closing:
            one.storage.close()
        return entry

    def _let_go(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            entry.last_used_s = self._clock()
            close = entry.evicted and entry.users == 0
        if close:
            entry.storage.close()

    def _swept(self) -> list[_Entry]:
        """Evict what has expired or is too many, longest unused first; return what to close now."""
        now = self._clock()
        by_age = sorted(self._entries.items(), key=lambda item: item[1].last_used_s)
        excess = len(by_age) - self._capacity
        closing: list[_Entry] = []
        for index, (key, entry) in enumerate(by_age):
            expired = self._ttl_s > 0 and now - entry.last_used_s > self._ttl_s
            if entry.users == 0 and (expired or index < excess):
                del self._entries[key]
                closing.append(entry)
        return closing

    def sweep(self) -> int:
        """Close what has expired and return how many that were."""
        with self._lock:
            closing = self._swept()
        for entry in closing:
            entry.storage.close()
        return len(closing)

    def clear(self) -> None:
        """Close everything that is not in use, and the rest when it is let go."""
        with self._lock:
            entries, self._entries = list(self._entries.values()), {}
            for entry in entries:
                entry.evicted = True
            closing = [entry for entry in entries if entry.users == 0]
        for entry in closing:
            entry.storage.close()


STORAGES = StorageCache()
"""The process's own."""
