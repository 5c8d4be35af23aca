"""Limits the overhead of a connection: heads, chunk extensions and trailers.

Everything but the body is counted as it is received. So an endless head, or a one-byte chunk with a
megabyte of extensions, closes the connection. Trailers are ignored.

>>> WireCounter(raw=10 * 2**20, body=10 * 2**20).is_exceeded()
False
>>> WireCounter(raw=2**20, body=1).is_exceeded()
True
>>> WireCounter(raw=6_000_000, body=1_000_000, chunks=1_000_000).is_exceeded()
False
"""

from __future__ import annotations

from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SLACK = 2**19  # bytes; one read from a socket may contain several requests
CHUNK = 32  # bytes; a chunk's size in hex, its line breaks, and some slack
LINGER_S = 2.0  # how long a refused client may still write, so that it reads the response
HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
BODY = b"HTTP/1.1 400 Bad Request\r\n"
TEXT = b'{"error": {"kind": "%s", "message": "%s"}}'


@dataclass(slots=True)
class WireCounter:
    """The bytes and chunks received of one request."""

    raw: int = 0
    body: int = 0
    chunks: int = 0

    def is_exceeded(self) -> bool:
        """Return whether the overhead is over the limit."""
        return self.raw - self.body > SLACK + CHUNK * self.chunks


class OverheadLimitProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which closes connections with too much overhead."""

    _wire = WireCounter()
    _head_complete = False
    _block = 0  # bytes of the current read
    _refused = False

    def data_received(self, data: bytes) -> None:
        """Process received data, unless the connection was refused."""
        if self._refused:
            return
        self._block = len(data)
        self._wire.raw += len(data)
        super().data_received(data)
        if self._wire.is_exceeded() and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        """Restart counting; the request begins somewhere in the current read."""
        super().on_message_begin()
        self._wire, self._head_complete = WireCounter(raw=self._block), False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Process a header, and ignore trailers."""
        if not self._head_complete:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start with the body."""
        self._head_complete = True
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._wire.chunks += 1

    def on_body(self, body: bytes) -> None:
        """Count a piece of the body."""
        self._wire.body += len(body)
        super().on_body(body)

    def _refuse(self) -> None:
        """Send an error if no response has started, and close the connection."""
        self._refused = True
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)  # None before the first
        answering = cycle is not None and not cycle.response_complete
        if not self._head_complete and not answering:
            self._write_error(HEAD, b"HeadTooLarge", b"the request head is too large")
        elif cycle is not None and answering and not cycle.response_started:
            message = b"too many bytes of chunk extensions or trailers"
            self._write_error(BODY, b"BadRequest", message)
        if cycle is not None and answering:
            cycle.disconnected = True  # the app cleans up, as for any disconnected client
            cycle.message_event.set()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _write_error(self, line: bytes, kind: bytes, message: bytes) -> None:
        text = TEXT % (kind, message)
        head = b"connection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(line + head % len(text) + text)
