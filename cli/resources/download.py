"""A resource saved as a file: beside it first, verified, and resumed where an earlier try ended."""

from __future__ import annotations

import errno
import fcntl
import os
import time
import uuid
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import IO

from catalog.errors import (
    DigestMismatch,
    IntegrityError,
    InvalidInput,
    SizeMismatch,
    StorageError,
    StorageFull,
)
from catalog.model.digest import Hasher
from cli.resources.client import OnBytes, ResourceClient, ResourceInfo
from cli.resources.gateway_requests import BLOCK, TRIES, WAIT_S

Write = Callable[[bytes], object]


def save(desk: ResourceClient, found: ResourceInfo, target: Path, moved: OnBytes) -> None:
    """Write a version to a file, which appears whole and verified, or stays what it was.

    What came of it stays hidden beside the file after a broken connection, for the next try.
    """
    part = _beside(target, found)
    try:
        with part.open("a+b") as file:
            _alone(file, target)
            file.seek(0)
            hasher = Hasher()
            while data := file.read(BLOCK):
                hasher.update(data)
            moved(hasher.size)
            try:
                fill(desk, found, file.write, hasher, moved)
            except IntegrityError:
                part.unlink(missing_ok=True)  # another try begins at the beginning
                raise
            file.flush()
            part.replace(target)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        part.unlink(missing_ok=True)
        raise _translated(error, target) from error
    finally:
        if found.sha256 is None:  # nobody could tell whether the rest belongs to it
            part.unlink(missing_ok=True)


def fill(
    desk: ResourceClient, found: ResourceInfo, write: Write, hasher: Hasher, moved: OnBytes
) -> None:
    """Write what lacks of a version, however often the connection breaks, and compare the whole.

    Raises:
        IntegrityError: the bytes are not those that were recorded.
        StorageError: nothing came for several tries.
    """
    tried = 0
    while found.size is None or hasher.size < found.size:
        before = hasher.size
        try:
            for data in desk.read(found, hasher.size):
                hasher.update(data)
                write(data)
                moved(len(data))
        except StorageError as error:
            tried = 0 if hasher.size > before else tried + 1
            resumable = found.sha256 is not None or not hasher.size
            if not error.retryable or not resumable or tried >= TRIES:
                raise
            time.sleep(WAIT_S * 2**tried)
            continue
        break
    if found.size is not None and hasher.size != found.size:
        raise SizeMismatch(found.name, found.size, hasher.size)
    expected, digest = found.sha256, hasher.digest().value
    if expected is not None and digest != expected:
        raise DigestMismatch(found.name, f"sha256:{expected}", f"sha256:{digest}")


def _beside(target: Path, found: ResourceInfo) -> Path:
    """Return the name of a draft: that of the same bytes for the same target, each time."""
    name = sha256(os.fsencode(target.name)).hexdigest()[:12]
    mark = found.sha256 or uuid.uuid4().hex
    return target.with_name(f".entrepot-{name}-{mark[:20]}.part")


def _alone(file: IO[bytes], target: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InvalidInput(f"{str(target)!r} is being written already") from error


def _translated(error: OSError, target: Path) -> InvalidInput | StorageFull:
    text = f"cannot write {str(target)!r}: {error.strerror}"
    return StorageFull(text) if error.errno == errno.ENOSPC else InvalidInput(text)
