"""Data channels of an FTP server: a file that comes, and a file that goes."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from catalog.digest import Digest
from catalog.errors import SizeMismatch, StorageError, StorageFailed
from catalog.resource import Resource
from providers.base import Attributes, Chunk, Stored
from providers.ftp_connection import FtpClient, FtpConnections, translated

if TYPE_CHECKING:
    from providers.ftp_storage import FtpStorage

BUFFER = 2**18  # bytes


class FtpReading:
    """A file that comes through a data channel."""

    def __init__(
        self,
        connections: FtpConnections,
        client: FtpClient,
        data: socket.socket,
        resource: Resource,
        start: int,
        length: int | None,
    ) -> None:
        """Own the connection until the bytes are read or the reading is closed."""
        self.resource = resource
        self._connections = connections
        self._client: FtpClient | None = client
        self._data = data
        left = None if resource.size is None else max(0, resource.size - start)
        self._whole = length is None or (left is not None and length >= left)
        self._left = left if self._whole else length

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the bytes in one reused buffer; fewer than the file has are an error."""
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
            finish(self._connections, client, self._data)
        except (ftplib.Error, OSError, EOFError) as error:
            self.close()
            if isinstance(error, StorageError):
                raise
            raise translated(error, path, self._connections.where) from error
        if self._left is not None and done != self._left:
            raise SizeMismatch(path, self._left, done)

    def close(self) -> None:
        """Hang up in the middle: servers do not agree on what ABOR does."""
        client, self._client = self._client, None
        self._data.close()
        if client is not None:
            self._connections.drop(client)


class FtpWriter:
    """A file that goes through a data channel, under a temporary name."""

    def __init__(
        self, storage: FtpStorage, path: str, temporary: str, attributes: Attributes
    ) -> None:
        """Write to `temporary`, show as `path`; it begins with the first bytes."""
        self._storage, self._path, self._temporary = storage, path, temporary
        self._attributes = attributes
        self._channel: tuple[FtpClient, socket.socket] | None = None
        self._begun = self._sealed = self._ended = False
        self._size = 0

    def write(self, chunk: Chunk) -> None:
        """Send the next bytes."""
        data = self._open()
        try:
            data.sendall(chunk)
        except OSError as error:
            raise translated(error, self._path, self._storage.connections.where) from error
        self._size += len(chunk)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the server cannot check it
        """End the file and give it its name."""
        return self.finish()

    def seal(self) -> None:
        """End the file: the server says that it has all of it, and the connection is free."""
        if self._sealed:
            return
        connections = self._storage.connections
        self._open()
        channel, self._channel = self._channel, None
        if channel is None:
            raise StorageFailed(f"{self._path!r}: committed after its end", path=self._path)
        try:
            finish(connections, *channel)
        except (ftplib.Error, OSError, EOFError) as error:
            raise translated(error, self._path, connections.where) from error
        self._sealed = True

    def finish(self) -> Stored:
        """End the file and give it its name."""
        self.seal()
        connections = self._storage.connections
        with connections.client(self._path) as client:
            stored = self._storage.settle(
                client, self._path, self._temporary, self._size, self._attributes
            )
        self._ended = True
        return stored

    def abort(self) -> None:
        """Hang up and remove what came through; twice is fine."""
        if self._ended:
            return
        self._ended = True
        channel, self._channel = self._channel, None
        if channel is not None:
            channel[1].close()
            # The reply tells that the server has let go of the file, so that it can be deleted.
            with suppress(ftplib.Error, OSError, EOFError):
                channel[0].ftp.voidresp()
            self._storage.connections.drop(channel[0])
        if self._begun:
            self._storage.discard(self._temporary)

    def _open(self) -> socket.socket:
        if self._ended or self._sealed:
            raise StorageFailed(f"{self._path!r}: written after its end", path=self._path)
        if self._channel is None:
            self._begun = True
            self._channel = self._storage.begin(self._temporary)
        return self._channel[1]


def finish(connections: FtpConnections, client: FtpClient, data: socket.socket) -> None:
    """Close a data channel in order, wait for the reply, and give the connection back."""
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
    connections.give(client)
