"""How much of a connection may be neither a body nor of use: heads, chunk extensions and trailers.

What is no body is counted as it comes from the wire, before anybody could ask how long it was. So a
head without an end, and a chunk of one byte behind a megabyte of extension, end the connection.
Trailers are passed over: a header that comes behind the body decides nothing.

>>> WireCounter(raw=10 * 2**20, body=10 * 2**20).too_much()
False
>>> WireCounter(raw=2**20, body=1).too_much()
True
>>> WireCounter(raw=6_000_000, body=1_000_000, chunks=1_000_000).too_much()
False
"""

from __future__ import annotations

from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SLACK = 2**19  # bytes: what is read from a socket at once may belong to several requests
CHUNK = 32  # bytes: the size of a chunk in hex, its line ends, and a little
LINGER_S = 2.0  # for which a client that is refused may still write: it shall read why
HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
BODY = b"HTTP/1.1 400 Bad Request\r\n"
TEXT = b'{"error": {"kind": "%s", "message": "%s"}}'


@dataclass(slots=True)
class WireCounter:
    """What came of one request so far, in bytes, and in how many chunks."""

    raw: int = 0
    body: int = 0
    chunks: int = 0

    def too_much(self) -> bool:
        """Say whether more than is allowed was no body."""
        return self.raw - self.body > SLACK + CHUNK * self.chunks


class OverheadLimitProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which ends a connection that sends too much beside bodies."""

    _wire = WireCounter()
    _headed = False  # the head of the request is here whole
    _block = 0  # bytes that are being read
    _refused = False

    def data_received(self, data: bytes) -> None:
        """Read what came, unless the connection was refused."""
        if self._refused:
            return
        self._block = len(data)
        self._wire.raw += len(data)
        super().data_received(data)
        if self._wire.too_much() and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin to count anew: it begins somewhere in what is being read."""
        super().on_message_begin()
        self._wire, self._headed = WireCounter(raw=self._block), False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head, and pass over what comes behind the body."""
        if not self._headed:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin with the body."""
        self._headed = True
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._wire.chunks += 1

    def on_body(self, body: bytes) -> None:
        """Count a piece of the body."""
        self._wire.body += len(body)
        super().on_body(body)

    def _refuse(self) -> None:
        """Say why where nothing was said yet, and end the connection."""
        self._refused = True
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)  # None before the first
        answering = cycle is not None and not cycle.response_complete
        if not self._headed and not answering:
            self._say(HEAD, b"HeadTooLarge", b"the head of the request does not end")
        elif cycle is not None and answering and not cycle.response_started:
            told = b"too many bytes of chunk extensions or trailers beside the body"
            self._say(BODY, b"BadRequest", told)
        if cycle is not None and answering:
            cycle.disconnected = True  # the app undoes what it began, as for any that leaves
            cycle.message_event.set()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _say(self, line: bytes, kind: bytes, message: bytes) -> None:
        text = TEXT % (kind, message)
        head = b"connection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(line + head % len(text) + text)
