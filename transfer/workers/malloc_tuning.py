"""Memory of files that is freed goes back to the system at once.

glibc keeps freed blocks of megabytes for itself, torn apart by what lies between them: a process
that promises to hold 256 MiB then has 400. Blocks from 256 KiB on are mapped one by one instead;
that costs a few page faults each, a fraction of what hashing their bytes does.
"""

from __future__ import annotations

import ctypes
from functools import cache

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
LARGE = 256 * 2**10  # bytes


@cache
def return_freed_memory() -> bool:
    """Let this process's allocator do so; False where it is not glibc's, and does as it does."""
    try:
        return bool(ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE))
    except (OSError, AttributeError):
        return False
