"""Open files of an fsspec filesystem, and the translation of its errors and times."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from fsspec import AbstractFileSystem

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    NotSupported,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from providers.base import Chunk, Stored
from providers.error_boundary import error_boundary

CHUNK = 2**22  # bytes
TIMES = ("mtime", "last_modified", "LastModified", "modified", "updated", "created")


@error_boundary
class FsspecReader:
    """An open file of a filesystem, read in chunks."""

    def __init__(
        self,
        file: IO[bytes],
        resource: Resource,
        length: int | None,
        translate_errors: Callable[[str], Any],
    ) -> None:
        """Own `file`; read `length` bytes, or all."""
        self.resource = resource
        self._file = file
        self._length = length
        self._translate_errors = translate_errors

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes; raise if there are fewer than expected."""
        done = 0
        while self._length is None or done < self._length:
            most = CHUNK if self._length is None else min(CHUNK, self._length - done)
            with self._translate_errors(self.resource.path):
                chunk = bytes(self._file.read(most))
            if not chunk:
                break
            done += len(chunk)
            yield chunk
        size = self.resource.size
        if self._length is not None and size is not None and done < min(self._length, size):
            raise SizeMismatch(self.resource.path, self._length, done)

    def close(self) -> None:
        """Close the file."""
        with self._translate_errors(self.resource.path):
            self._file.close()


@error_boundary
class FsspecWriter:
    """Writes a file to the local disk, and uploads it at commit."""

    def __init__(self, send: Callable[[str], Stored]) -> None:
        """Call `send` with the local file's path at commit."""
        self._send = send
        self._folder: str | None = tempfile.mkdtemp(prefix="entrepot-")
        self._path = Path(self._folder, "file")
        self._file = self._path.open("wb")

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes."""
        self._file.write(chunk)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the filesystem cannot check it
        """Upload the file."""
        self._file.close()
        try:
            return self._send(str(self._path))
        finally:
            self.abort()

    def abort(self) -> None:
        """Delete the local file."""
        self._file.close()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder)


def translate_fsspec_error(error: Exception, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return our error for a filesystem's error."""
    context = f"{where}: {path!r}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ResourceNotFound(f"{where} has no {path!r}", path=path)
    if isinstance(error, IsADirectoryError):
        return ResourceNotFound(f"{path!r} is a folder at {where}", path=path)
    if isinstance(error, PermissionError):
        return AccessDenied(f"{where} refuses access to {path!r}", path=path)
    if isinstance(error, NotImplementedError):
        return NotSupported(f"{context}: the filesystem does not support this operation", path=path)
    if isinstance(error, TimeoutError):
        return TransferTimeout(f"{context}: timed out", path=path)
    name = type(error).__name__
    if isinstance(error, ConnectionError) or "Connect" in name or "Disconnect" in name:
        return ConnectionFailed(f"{context}: the connection failed", path=path)
    if isinstance(error, OSError):
        reason = f" ({error.strerror})" if error.strerror else ""
        return StorageFailed(f"{context}: {name}{reason}", path=path)
    return UnexpectedReply(f"{context}: {name}", path=path)


def modified_us(info: Mapping[str, Any]) -> int | None:
    """Return a file's modification time in microseconds; None if the filesystem has none."""
    value = next((info[name] for name in TIMES if info.get(name)), None)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return int(value.timestamp() * 1_000_000)
    return int(value * 1_000_000) if isinstance(value, int | float) else None


def strip_protocol(filesystem: AbstractFileSystem, path: str) -> str:
    """Return a path as the filesystem writes it, without its protocol."""
    canonical: Any = filesystem._strip_protocol  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - fsspec has no public name for it
    return str(canonical(path))
