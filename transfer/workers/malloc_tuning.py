"""Makes the allocator return freed memory to the system at once.

glibc keeps freed blocks of megabytes, fragmented by others between them: a process with a budget of
256 MiB then uses 400. Blocks from 256 KiB on are mapped individually instead; that costs a few page
faults each, far less than hashing their bytes.
"""

from __future__ import annotations

import ctypes
from functools import cache

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
LARGE = 256 * 2**10  # bytes


@cache
def return_freed_memory() -> bool:
    """Configure this process's allocator; False if it is not glibc's."""
    try:
        return bool(ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE))
    except (OSError, AttributeError):
        return False
