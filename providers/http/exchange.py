"""One request and its response on a pooled connection; stale connections are replaced."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import ConnectionFailed, StorageError, UnexpectedReply
from providers.http.connection import Connection
from providers.http.pool import Pool, Taken
from providers.http.response import Response
from providers.shared.origin import WebOrigin

REPEATABLE = frozenset({"GET", "HEAD", "PROPFIND", "PUT", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Route:
    """How requests reach one origin: its pool, and the bytes around each request's target."""

    origin: WebOrigin
    pool: Pool
    before: bytes  # scheme and host before the path, as proxies require
    after: bytes  # the HTTP version and the constant headers


class Exchange:
    """A request that was sent: `read_response` waits for the response, `close` abandons it."""

    __slots__ = ("_connection", "_message", "_method", "_path", "_pool", "_used")

    def __init__(self, pool: Pool, taken: Taken, method: str, message: bytes, path: str) -> None:
        """Send `message`, head and body, on a connection taken from `pool`."""
        self._pool, self._method, self._message, self._path = pool, method, message, path
        connection, self._used = taken
        self._connection: Connection | None = connection
        try:
            connection.begin(path)
            connection.send(message)
        except ConnectionFailed as error:
            self._resend(connection, error)
        except BaseException:
            self.close()
            raise

    def read_response(self, url: str) -> Response:
        """Read the head of the response; its body is read from the returned object."""
        while True:
            connection = self._connection
            if connection is None:
                raise ConnectionFailed(f"the request for {self._path!r} was already closed")
            try:
                status, headers = connection.read_head()
            except (ConnectionFailed, EOFError, UnexpectedReply) as error:
                self._resend(connection, error)
            except BaseException:
                self.close()
                raise
            else:
                self._connection = None
                return Response(connection, self._pool, self._method, url, status, headers)

    def close(self) -> None:
        """Close the connection unless the response has been read."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.drop(connection)

    def _resend(self, connection: Connection, error: StorageError | EOFError) -> None:
        # A server may close an idle connection at any time, or have sent extra bytes on it.
        stale = connection.end == 0 or isinstance(error, UnexpectedReply)
        if not (self._used and stale and self._method in REPEATABLE):
            self.close()
            if isinstance(error, StorageError):
                raise error
            raise ConnectionFailed(
                f"{connection.label} closed the connection without answering the request for "
                f"{self._path!r}",
                path=self._path,
            ) from error
        self._connection = None  # `replace` closes it, and releases its slot if dialing fails
        self._connection = connection = self._pool.replace(connection, self._path)
        self._used = False
        try:
            connection.begin(self._path)
            connection.send(self._message)
        except BaseException:
            self.close()
            raise
