"""Files that are locked while somebody is at work; the kernel frees those of the dead."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def lock_file(file: Path, flags: int, how: int = fcntl.LOCK_EX) -> int | None:
    """Return a locked descriptor of a file that still bears its name; None where others hold it."""
    while True:
        try:
            descriptor = os.open(file, flags | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            if file.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:  # the last of its readers left before we had the lock
            pass
        os.close(descriptor)
