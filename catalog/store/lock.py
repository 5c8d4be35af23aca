"""The catalog lock: a fair readers-writer lock between processes.

It uses `flock` on two files. Everyone queues at the first; its holder waits for the second, shared
or exclusive, and then releases the first. So new readers never overtake a waiting writer. The
kernel releases both when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from catalog.errors import CatalogTimeout
from catalog.store.disk_errors import READ_ONLY_ERRNOS, reporting_disk_errors

POLL_S = (0.001, 0.006)  # a blocking flock cannot time out without signals, so it is polled


class Hold(Enum):
    """How the lock is held."""

    SHARED = fcntl.LOCK_SH
    ALONE = fcntl.LOCK_EX


_open_locks: set[int] = set()


def _close_in_child() -> None:
    # A forked child shares the parent's open file descriptions and would keep the lock of a
    # parent that is killed.
    for descriptor in _open_locks:
        os.close(descriptor)
    _open_locks.clear()


os.register_at_fork(after_in_child=_close_in_child)


class CatalogLock:
    """Locks one catalog between processes and threads."""

    __slots__ = ("_queue", "_timeout_s", "_use")

    def __init__(self, folder: Path, timeout_s: float) -> None:
        """Keep the lock files in `folder`; wait at most `timeout_s` for both together."""
        self._queue = folder / "queue.lock"
        self._use = folder / "use.lock"
        self._timeout_s = timeout_s

    @property
    def timeout_s(self) -> float:
        """Return the longest time to wait."""
        return self._timeout_s

    @contextmanager
    def hold(self, hold: Hold, *, unless: Callable[[], bool] | None = None) -> Generator[bool]:
        """Hold the lock; yield False instead if `unless` became true while waiting."""
        deadline = time.monotonic() + self._timeout_s
        with _lock_descriptor(self._use) as use:
            with _lock_descriptor(self._queue) as queue:
                held = self._acquire(
                    self._queue, queue, Hold.ALONE, deadline, unless
                ) and self._acquire(self._use, use, hold, deadline, unless)
            yield held

    def has_waiters(self) -> bool:
        """Say whether anybody waits for the lock, or its folder is missing."""
        try:
            with _lock_descriptor(self._queue) as queue:
                fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            return True
        return False

    def _acquire(
        self,
        path: Path,
        descriptor: int,
        hold: Hold,
        deadline: float,
        unless: Callable[[], bool] | None,
    ) -> bool:
        while True:
            if unless is not None and unless():
                return False
            try:
                fcntl.flock(descriptor, hold.value | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise CatalogTimeout(
                        f"{str(path)!r} stayed locked for {self._timeout_s:g} s: try again"
                    ) from error
                time.sleep(random.uniform(*POLL_S))  # noqa: S311  # jitter, not a secret
            else:
                return True


def _open_lock_file(path: Path) -> int:
    """Open a lock file; read-only if it cannot be written, or else its folder."""
    with reporting_disk_errors():
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if error.errno not in READ_ONLY_ERRNOS:
                raise
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def _lock_descriptor(path: Path) -> Generator[int]:
    descriptor = _open_lock_file(path)
    owner = os.getpid()
    _open_locks.add(descriptor)
    try:
        yield descriptor
    finally:
        if owner == os.getpid():
            _open_locks.discard(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may still have a copy
            os.close(descriptor)
