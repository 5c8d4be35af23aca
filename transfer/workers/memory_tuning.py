"""Tunes memory management of the process: Python's garbage collector, and glibc's allocator.

Each file of a batch is ten objects, all in use until the batch is recorded: a collection after
every 700 objects finds nothing and costs a twelfth of a run's CPU.

glibc keeps freed blocks of megabytes, fragmented by others between them: a process with a budget of
256 MiB then uses 400. Blocks from 256 KiB on are mapped individually instead; that costs a few page
faults each, far less than hashing their bytes.
"""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

RELAXED_THRESHOLD = 20_000  # new objects between two collections; Python's default is 700
_lock = threading.Lock()
_runs = 0
_before = 0


@contextmanager
def relaxed_collector() -> Generator[None]:
    """Collect less often while the block lasts; the last run to end restores the threshold."""
    global _runs, _before  # noqa: PLW0603 - the collector is the process's, and so is this
    with _lock:
        if not _runs:
            _before = gc.get_threshold()[0]
            if 0 < _before < RELAXED_THRESHOLD:  # 0: someone turned it off
                _set_threshold(RELAXED_THRESHOLD)
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if (
                not _runs and gc.get_threshold()[0] == RELAXED_THRESHOLD
            ):  # else someone chose otherwise since
                _set_threshold(_before)


def _set_threshold(young: int) -> None:
    gc.set_threshold(young, *gc.get_threshold()[1:])


MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
LARGE = 256 * 2**10  # bytes


@cache
def return_freed_memory() -> bool:
    """Configure this process's allocator; False if it is not glibc's."""
    try:
        return bool(ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE))
    except (OSError, AttributeError):
        return False
