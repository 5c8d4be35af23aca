"""Lock files; the kernel releases those of dead processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def lock_file(file: Path, flags: int, how: int = fcntl.LOCK_EX) -> int | None:
    """Lock a file and return its descriptor; None if it is missing, or locked by others."""
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
        except FileNotFoundError:  # the last holder removed it before we had the lock
            pass
        os.close(descriptor)


class ReadLocks:
    """Locks of files being read, across processes, for storages whose open files can vanish."""

    def __init__(self, folder: Path) -> None:
        """Store the lock files in `folder`."""
        self._folder = folder

    @contextmanager
    def shared(self, address: str, path: str) -> Generator[None]:
        """Hold a shared lock on a file during the block."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(address, path)
        descriptor = lock_file(file, os.O_RDWR | os.O_CREAT, fcntl.LOCK_SH)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)
            with self.try_exclusive(address, path):
                pass  # the last reader removes the lock file

    @contextmanager
    def try_exclusive(self, address: str, path: str) -> Generator[bool]:
        """Exclude readers during the block; yield whether there are none."""
        file = self._file(address, path)
        if not file.exists():
            yield True
            return
        descriptor = lock_file(file, os.O_RDWR)
        try:
            yield descriptor is not None
            if descriptor is not None:
                file.unlink(missing_ok=True)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _file(self, address: str, path: str) -> Path:
        return self._folder / hashlib.sha256(f"{address}\x1f{path}".encode()).hexdigest()[:40]
