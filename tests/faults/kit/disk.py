"""A small disk, and how it becomes full: a tmpfs of its own, mounted while a block lasts.

Mounting needs root. Who is none, or may not mount, is told so: nothing is skipped in silence.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SIZE = 96 * 2**20  # bytes
FILLER = ".filler"


class CannotMountError(RuntimeError):
    """This machine lets nobody mount a disk here, so what a full one does cannot be tried."""


@contextmanager
def small_disk(folder: Path, size: int = SIZE) -> Generator[Path]:
    """Mount an empty disk at `folder`, which is made, while the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotMountError(f"no tmpfs can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


@contextmanager
def full(disk: Path, leave: int = 0) -> Generator[None]:
    """Leave room for `leave` bytes on a small disk while the block lasts."""
    filler = disk / FILLER
    try:
        with filler.open("wb") as file:
            room = os.fstatvfs(file.fileno())
            wanted = max(0, room.f_bavail * room.f_frsize - leave)
            piece = b"\0" * 2**20
            try:
                while wanted > 0:
                    wanted -= os.write(file.fileno(), piece[:wanted])
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        yield
    finally:
        filler.unlink(missing_ok=True)
