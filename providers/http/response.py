"""The response to a request, its decoding, and the upload of a streamed body."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from catalog.errors import ConnectionFailed, StorageError, UnexpectedReply
from providers.base import Chunk
from providers.http.connection import Connection, Headers
from providers.http.headers import status_error
from providers.http.pool import Pool
from providers.shared.url import redact_url

DRAIN = 2**16  # bytes; reading more of an unused body costs more than a new connection
# A `.gz` file is often sent with `Content-Encoding: gzip`; it must not be decoded.
_ITSELF = {
    "gzip": (".gz", ".tgz", ".svgz", ".gzip"),
    "compress": (".z",),
    "br": (".br",),
    "zstd": (".zst", ".tzst"),
    "bzip2": (".bz2", ".tbz2"),
    "xz": (".xz", ".txz"),
}
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Response:
    """A response whose head was read; the body stays on the connection until read or closed."""

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
        """Own `connection` until the body is read."""
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
                raise UnexpectedReply(
                    f"{redact_url(url)!r} has an invalid Content-Length", path=self.path
                )
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
        """Return the Content-Length in bytes, also for HEAD; None if it is missing."""
        text = self.headers.get(b"content-length")
        return int(text) if text is not None and text.isdigit() else None

    def expect(self, *statuses: int) -> Self:
        """Return the response if its status is one of `statuses`; else close it and raise."""
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
        """Release the connection; read a short rest of the body so that it can be reused."""
        if self._connection is None:
            return
        if self._left is not None and self._left <= DRAIN and self._keep:
            try:
                self.read()
            except StorageError:
                return  # the body was not needed, and the connection is closed already
        else:
            self._finish(reusable=False)

    def __enter__(self) -> Self:
        """Return the response, which is closed at the end of the block."""
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
        # Bytes after the body would be taken for the head of the next response.
        if reusable and self._keep and connection.start == connection.end:
            self._pool.put_back(connection)
        else:
            self._pool.drop(connection)


class Upload:
    """A request whose body is being streamed."""

    __slots__ = ("_chunked", "_connection", "_method", "_pool", "_url")

    def __init__(
        self, connection: Connection, pool: Pool, method: str, url: str, *, chunked: bool
    ) -> None:
        """Own `connection` until the response is read."""
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
        """End the body and return the response."""
        connection = self._connection
        if connection is None:
            raise ConnectionFailed(f"the upload to {redact_url(self._url)!r} was already closed")
        try:
            if self._chunked:
                connection.send(b"0\r\n\r\n")
            status, headers = connection.read_head()
        except EOFError as error:
            self.close()
            raise ConnectionFailed(
                f"{connection.label} closed the connection after the upload without a response"
            ) from error
        except BaseException:
            self.close()
            raise
        self._connection = None
        return Response(connection, self._pool, self._method, self._url, status, headers)

    def close(self) -> None:
        """Close the connection, so that the server sees an incomplete body."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.drop(connection)


def content_coding(path: str, response: Response) -> str | None:
    """Return the coding to decode, or None if the body is the file itself.

    Raises:
        UnexpectedReply: the coding is not supported.
    """
    coding = (response.header(b"content-encoding") or "").strip().lower().removeprefix("x-")
    if not coding or coding == "identity" or path.lower().endswith(_ITSELF.get(coding, ("\n",))):
        return None
    if coding not in _WINDOWS:
        response.close()
        raise UnexpectedReply(
            f"{path!r} was sent with Content-Encoding {coding!r} although identity was requested",
            path=path,
        )
    return coding


def decode_body(path: str, pieces: Iterator[memoryview], coding: str) -> Iterator[bytes]:
    """Yield the decoded body; an incomplete one is an error."""
    undo = zlib.decompressobj(_WINDOWS[coding])
    try:
        for piece in pieces:
            yield undo.decompress(piece)
        yield undo.flush()
    except zlib.error as error:
        raise UnexpectedReply(f"{path!r} is not valid {coding}: {error}", path=path) from error
    if not undo.eof:
        raise UnexpectedReply(f"the {coding} stream of {path!r} is incomplete", path=path)
