"""Save a resource as a file: under a temporary name, verified, then renamed; resumable."""

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
from cli.resources.gateway_requests import ATTEMPTS, BLOCK, FIRST_WAIT_S

Write = Callable[[bytes], object]


def save(client: ResourceClient, resource: ResourceInfo, target: Path, on_bytes: OnBytes) -> None:
    """Write a version to a file, which appears whole and verified, or stays as it was.

    After a broken connection the partial download stays in a hidden file beside it, to be resumed.
    """
    part = _part_path(target, resource)
    try:
        with part.open("a+b") as file:
            _lock(file, target)
            file.seek(0)
            hasher = Hasher()
            while data := file.read(BLOCK):
                hasher.update(data)
            on_bytes(hasher.size)
            try:
                download(client, resource, file.write, hasher, on_bytes)
            except IntegrityError:
                part.unlink(missing_ok=True)  # the next attempt starts from the beginning
                raise
            file.flush()
            part.replace(target)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        part.unlink(missing_ok=True)
        raise _write_error(error, target) from error
    finally:
        if resource.sha256 is None:  # without a digest, resuming could mix two files
            part.unlink(missing_ok=True)


def download(
    client: ResourceClient,
    resource: ResourceInfo,
    write: Write,
    hasher: Hasher,
    on_bytes: OnBytes,
) -> None:
    """Write the rest of a version, resuming broken connections, and verify the whole.

    Raises:
        IntegrityError: the bytes are not those that were recorded.
        StorageError: several attempts in a row brought no bytes.
    """
    failed = 0
    while resource.size is None or hasher.size < resource.size:
        before = hasher.size
        try:
            for data in client.read(resource, hasher.size):
                hasher.update(data)
                write(data)
                on_bytes(len(data))
        except StorageError as error:
            failed = 0 if hasher.size > before else failed + 1
            resumable = resource.sha256 is not None or not hasher.size
            if not error.retryable or not resumable or failed >= ATTEMPTS:
                raise
            time.sleep(FIRST_WAIT_S * 2**failed)
            continue
        break
    if resource.size is not None and hasher.size != resource.size:
        raise SizeMismatch(resource.name, resource.size, hasher.size)
    expected, digest = resource.sha256, hasher.digest().value
    if expected is not None and digest != expected:
        raise DigestMismatch(resource.name, f"sha256:{expected}", f"sha256:{digest}")


def _part_path(target: Path, resource: ResourceInfo) -> Path:
    """Return the path of a partial download: always the same for the same bytes and target."""
    name = sha256(os.fsencode(target.name)).hexdigest()[:12]
    suffix = resource.sha256 or uuid.uuid4().hex
    return target.with_name(f".entrepot-{name}-{suffix[:20]}.part")


def _lock(file: IO[bytes], target: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InvalidInput(f"another process is already writing {str(target)!r}") from error


def _write_error(error: OSError, target: Path) -> InvalidInput | StorageFull:
    text = f"cannot write {str(target)!r}: {error.strerror}"
    return StorageFull(text) if error.errno == errno.ENOSPC else InvalidInput(text)
