"""Reads and writes files through an FTP server's data channels."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from catalog.errors import (
    AccessDenied,
    NotSupported,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    StorageFailed,
)
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from providers.base import Attributes, Chunk, Stored
from providers.error_boundary import error_boundary
from providers.ftp.connection import FtpClient, FtpConnections
from providers.ftp.errors import translate_ftp_error

BUFFER = 2**18  # bytes


@error_boundary
class FtpReader:
    """Reads a file through a data channel."""

    def __init__(
        self,
        connections: FtpConnections,
        client: FtpClient,
        data: socket.socket,
        resource: Resource,
        start: int,
        length: int | None,
    ) -> None:
        """Own the connection until the file is read or the reader is closed."""
        self.resource = resource
        self._connections = connections
        self._client: FtpClient | None = client
        self._data = data
        left = None if resource.size is None else max(0, resource.size - start)
        self._whole = length is None or (left is not None and length >= left)
        self._left = left if self._whole else length

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the bytes in one reused buffer; raise if the file is incomplete."""
        view = memoryview(bytearray(BUFFER))
        path, done = self.resource.path, 0
        try:
            while self._whole or self._left is None or done < self._left:
                most = BUFFER if self._whole or self._left is None else self._left - done
                count = self._data.recv_into(view[:most])
                if count == 0:
                    break
                done += count
                yield view[:count]
            if self._client is None:
                return
            if not self._whole:
                self.close()
                return
            client, self._client = self._client, None
            finish_transfer(self._connections, client, self._data)
        except (ftplib.Error, OSError, EOFError) as error:
            self.close()
            if isinstance(error, StorageError):
                raise
            raise translate_ftp_error(error, path, self._connections.where) from error
        except BaseException:
            self.close()
            raise
        if self._left is not None and done != self._left:
            raise SizeMismatch(path, self._left, done)

    def close(self) -> None:
        """Close the connection: servers differ in what ABOR does."""
        client, self._client = self._client, None
        self._data.close()
        if client is not None:
            self._connections.drop(client)


class UploadTarget(Protocol):
    """The storage that a writer uploads to."""

    connections: FtpConnections

    def temporary_path(self, path: str) -> str:
        """Return a new temporary name for a path."""
        ...

    def switch_to_drop_folder(self, temporary: str) -> bool:
        """Stop using our temporary folder; return whether the refused name was in it."""
        ...

    def open_upload(self, temporary: str) -> tuple[FtpClient, socket.socket]:
        """Open the data channel of a new temporary file."""
        ...

    def finalize(
        self, client: FtpClient, path: str, temporary: str, size: int, attributes: Attributes
    ) -> Stored:
        """Check a temporary file's size and rename it to its final name."""
        ...

    def discard(self, temporary: str) -> None:
        """Remove a temporary file; if that fails, it stays hidden."""
        ...


@error_boundary
class FtpWriter:
    """Writes a file through a data channel, under a temporary name."""

    def __init__(
        self, target: UploadTarget, path: str, temporary: str, attributes: Attributes
    ) -> None:
        """Write to `temporary`, to be renamed to `path`; opened with the first bytes."""
        self._target, self._path, self._temporary = target, path, temporary
        self._attributes = attributes
        self._channel: tuple[FtpClient, socket.socket] | None = None
        self._started = self._flushed = self._ended = False
        self._size = 0

    def write(self, chunk: Chunk) -> None:
        """Send the next bytes."""
        data = self._open()
        try:
            data.sendall(chunk)
        except OSError as error:
            raise translate_ftp_error(error, self._path, self._target.connections.where) from error
        self._size += len(chunk)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the server cannot check it
        """Complete the upload and rename the file."""
        return self.finish()

    def flush(self) -> None:
        """Complete the upload, so that the server confirms it and the connection is free."""
        if self._flushed:
            return
        connections = self._target.connections
        self._open()
        channel, self._channel = self._channel, None
        if channel is None:
            raise StorageFailed(f"{self._path!r}: committed after it was closed", path=self._path)
        try:
            finish_transfer(connections, *channel)
        except (ftplib.Error, OSError, EOFError) as error:
            raise translate_ftp_error(error, self._path, connections.where) from error
        self._flushed = True

    def finish(self) -> Stored:
        """Complete the upload and rename the file."""
        self.flush()
        connections = self._target.connections
        with connections.client(self._path) as client:
            stored = self._target.finalize(
                client, self._path, self._temporary, self._size, self._attributes
            )
        self._ended = True
        return stored

    def abort(self) -> None:
        """Close the connection and remove the temporary file; safe to call twice."""
        if self._ended:
            return
        self._ended = True
        channel, self._channel = self._channel, None
        if channel is not None:
            channel[1].close()
            # After the reply the server has closed the file, so that it can be deleted.
            try:
                with suppress(ftplib.Error, OSError, EOFError):
                    channel[0].ftp.voidresp()
            finally:
                self._target.connections.drop(channel[0])
        if self._started:
            self._target.discard(self._temporary)

    def _open(self) -> socket.socket:
        if self._ended or self._flushed:
            raise StorageFailed(f"{self._path!r}: written after it was closed", path=self._path)
        if self._channel is None:
            self._started = True
            try:
                self._channel = self._target.open_upload(self._temporary)
            except (AccessDenied, ResourceNotFound, NotSupported):
                # A drop folder allows new files, but not our temporary folder.
                if not self._target.switch_to_drop_folder(self._temporary):
                    raise
                self._temporary = self._target.temporary_path(self._path)
                self._channel = self._target.open_upload(self._temporary)
        return self._channel[1]


def finish_transfer(connections: FtpConnections, client: FtpClient, data: socket.socket) -> None:
    """Close a data channel, wait for the reply, and put the connection back."""
    try:
        if isinstance(data, ssl.SSLSocket):
            with suppress(OSError):
                data.unwrap()
        data.close()
        client.ftp.voidresp()
    except BaseException:
        data.close()
        connections.drop(client)
        raise
    connections.put_back(client)
