"""The reply to a request, and the request whose body is pushed: both own their connection."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from catalog.errors import ConnectionFailed, StorageError, UnexpectedReply
from providers.base import Chunk
from providers.http.connection import Connection, Headers
from providers.http.pool import Pool
from providers.http.reply_headers import status_error
from providers.shared.url import redact_url

DRAIN = 2**16  # bytes; a longer body of no interest costs more than a new connection


class Response:
    """A reply: its head is read, its body waits on the connection until read or closed."""

    __slots__ = (
        "_chunked",
        "_connection",
        "_keep",
        "_left",
        "_pool",
        "headers",
        "method",
        "path",
        "status",
        "url",
    )

    def __init__(
        self,
        connection: Connection,
        pool: Pool,
        method: str,
        url: str,
        status: int,
        headers: Headers,
    ) -> None:
        """Take over `connection` until the body is done."""
        self.status, self.headers, self.method, self.url = status, headers, method, url
        self.path = connection.path
        self._connection: Connection | None = connection
        self._pool = pool
        self._keep = headers.get(b"connection", b"").lower() != b"close"
        self._chunked = False
        self._left: int | None = None  # bytes of the body; None: until the server closes
        if method == "HEAD" or status in (204, 304):
            self._left = 0
        elif b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            self._chunked = True
        elif (length := headers.get(b"content-length")) is not None:
            if not length.isdigit():
                self._finish(reusable=False)
                raise UnexpectedReply(f"{redact_url(url)!r} has no readable length", path=self.path)
            self._left = int(length)
        else:
            self._keep = False
        if self._left == 0:
            self._finish(reusable=True)

    def header(self, name: bytes) -> str | None:
        """Return a header by its lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def length(self) -> int | None:
        """Return the Content-Length in bytes, of a HEAD too; None where it is not said."""
        text = self.headers.get(b"content-length")
        return int(text) if text is not None and text.isdigit() else None

    def expect(self, *statuses: int) -> Self:
        """Return the reply when its status is one of `statuses`; else close it and raise."""
        if self.status in statuses:
            return self
        self.close()
        doing = f"{self.method} {redact_url(self.url)!r}"
        raise status_error(self.status, self.headers, doing=doing, path=self.path)

    def read(self) -> bytes:
        """Return the whole body."""
        if self._connection is None:
            return b""
        if self._left is None:
            return b"".join(bytes(piece) for piece in self.stream())
        try:
            data = self._connection.read_exactly(self._left)
        except BaseException:
            self._finish(reusable=False)
            raise
        self._finish(reusable=True)
        return data

    def stream(self) -> Iterator[memoryview]:
        """Yield the body; each piece is valid until the next one."""
        connection = self._connection
        if connection is None:
            return
        whole = False
        try:
            if self._chunked:
                yield from connection.stream_chunked()
            else:
                yield from connection.stream(self._left)
            whole = True
        finally:
            self._finish(reusable=whole)

    def close(self) -> None:
        """Free the connection; a short rest of the body is read so that it can be used again."""
        if self._connection is None:
            return
        if self._left is not None and self._left <= DRAIN and self._keep:
            try:
                self.read()
            except StorageError:
                return  # the body was of no interest, and the connection is gone already
        else:
            self._finish(reusable=False)

    def __enter__(self) -> Self:
        """Return the reply, to be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _finish(self, *, reusable: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # Bytes beyond the body would be taken for the head of the next reply.
        if reusable and self._keep and connection.start == connection.end:
            self._pool.put_back(connection)
        else:
            self._pool.drop(connection)


class Upload:
    """A request whose body is being pushed."""

    __slots__ = ("_chunked", "_connection", "_method", "_pool", "_url")

    def __init__(
        self, connection: Connection, pool: Pool, method: str, url: str, *, chunked: bool
    ) -> None:
        """Take over `connection` until the reply has come."""
        self._connection: Connection | None = connection
        self._pool, self._method, self._url, self._chunked = pool, method, url, chunked

    def send(self, chunk: Chunk) -> None:
        """Send the next bytes of the body."""
        connection = self._connection
        if connection is None or not len(chunk):
            return
        try:
            if self._chunked:
                connection.send(b"%x\r\n" % len(chunk))
            connection.send(chunk)
            if self._chunked:
                connection.send(b"\r\n")
        except BaseException:
            self.close()
            raise

    def finish(self) -> Response:
        """End the body and return the reply."""
        connection = self._connection
        if connection is None:
            raise ConnectionFailed(f"the upload to {redact_url(self._url)!r} was given up")
        try:
            if self._chunked:
                connection.send(b"0\r\n\r\n")
            status, headers = connection.read_head()
        except EOFError as error:
            self.close()
            raise ConnectionFailed(f"{connection.label} hung up after the body") from error
        except BaseException:
            self.close()
            raise
        self._connection = None
        return Response(connection, self._pool, self._method, self._url, status, headers)

    def close(self) -> None:
        """Hang up; the server sees a body cut short."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.drop(connection)
