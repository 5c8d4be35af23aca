"""Files that are locked while somebody is at work; the kernel frees those of the dead."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
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


class ReadLocks:
    """The locks of one catalog, in a folder beside it; the kernel frees those of the dead."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`."""
        self._folder = folder

    @contextmanager
    def shared(self, address: str, path: str) -> Generator[None]:
        """Be one of those who read a file, while the block lasts."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(address, path)
        descriptor = lock_file(file, os.O_RDWR | os.O_CREAT, fcntl.LOCK_SH)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)
            with self.try_exclusive(address, path):
                pass  # whoever leaves last takes the lock's file away

    @contextmanager
    def try_exclusive(self, address: str, path: str) -> Generator[bool]:
        """Keep readers away while the block lasts; what is yielded says whether nobody reads."""
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
