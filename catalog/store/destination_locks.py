"""Destination locks: runs that write to one destination go one after another, others in parallel.

A waiting run holds one of a bounded number of places; with none left it is refused at once (PM-37).
Locks and places are file locks: the kernel releases them when a process is killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

from catalog.errors import CatalogError

MAX_WAITING = 25
POLL_S = 0.05


class TooManyWaiting(CatalogError, RuntimeError):
    """Too many runs wait for this destination already."""


@contextmanager
def destination_locks(
    folder: Path,
    addresses: Iterable[str],
    check: Callable[[], None],
    *,
    max_waiting: int = MAX_WAITING,
) -> Generator[None]:
    """Hold the lock of every destination in `addresses`; `check` may raise to stop waiting."""
    with ExitStack() as stack:
        for address in sorted(addresses):
            stack.enter_context(_destination_lock(folder, address, check, max_waiting))
        yield


def count_held_locks(folder: Path) -> int:
    """Return how many destinations are locked now."""
    held = 0
    for path in folder.glob("*.turn"):
        lock = _open_lock_file(path)
        try:
            held += not _try_lock(lock)
        finally:
            os.close(lock)
    return held


@contextmanager
def _destination_lock(
    folder: Path, address: str, check: Callable[[], None], max_waiting: int
) -> Generator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(address.encode()).hexdigest()[:32]
    lock = _open_lock_file(folder / f"{name}.turn")
    try:
        if not _try_lock(lock):
            place = _take_waiting_place(folder, name, max_waiting)
            if place is None:
                raise TooManyWaiting(
                    f"{max_waiting} runs already wait for {address!r}; try again later"
                )
            try:
                while not _try_lock(lock):
                    check()
                    time.sleep(POLL_S)
            finally:
                os.close(place)
        yield
    finally:
        os.close(lock)


def _take_waiting_place(folder: Path, name: str, max_waiting: int) -> int | None:
    for number in range(max_waiting):
        place = _open_lock_file(folder / f"{name}.{number}")
        if _try_lock(place):
            return place
        os.close(place)
    return None


def _open_lock_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
