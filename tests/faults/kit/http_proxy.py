"""An HTTP proxy that answers for the server, or changes what it says: 429, 503, lies, redirects.

It stands between a `TcpProxy` and the server, and has no opinion while nothing is armed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import BinaryIO, Self, cast

from tests.faults.kit import corrupt_replies
from tests.faults.kit.fault_kinds import Fault
from tests.faults.kit.trigger import Armed, Trigger

RETRY_AFTER_S = 1
PAGE = b"<html><body><form action='/login'>Sign in, please</form></body></html>"
TEXTS = (b"xml", b"json", b"html", b"text/plain")
LARGEST = 2**20  # bytes of a body that is looked into


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a request or a reply."""

    raw: bytes

    @property
    def first(self) -> bytes:
        """Return the first line."""
        return self.raw.partition(b"\r\n")[0]

    @property
    def status(self) -> int:
        """Return the status of a reply."""
        return int(self.first.split()[1])

    @property
    def method(self) -> bytes:
        """Return the method of a request."""
        return self.first.split()[0]

    def get(self, name: bytes) -> bytes:
        """Return a header's value, or nothing."""
        for line in self.raw.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name:
                return value.strip()
        return b""

    def having(self, name: bytes, value: bytes) -> Head:
        """Return the same with one header changed."""
        return Head(self.without(name).raw[:-2] + name + b": " + value + b"\r\n\r\n")

    def without(self, name: bytes) -> Head:
        """Return the same without one header."""
        lines = self.raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
        kept = [one for one in lines if one.partition(b":")[0].strip().lower() != name]
        return Head(b"\r\n".join([*kept, b"", b""]))


@dataclass(eq=False, slots=True)
class HttpProxy:
    """The proxy; a context manager."""

    host: str
    target: int
    port: int = 0
    strike: Armed | None = None
    away: str = ""
    """Where redirects lead: a server of login pages."""
    _servers: list[ThreadingTCPServer] = field(default_factory=list[ThreadingTCPServer])
    lie: int = 0

    def __enter__(self) -> Self:
        """Listen, and so does the server of login pages."""
        handlers = [type("Handler", (_Between,), {"owner": self}), _Login]
        for handler in handlers:
            server = _Server(("127.0.0.1", 0), handler)
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.port = self._servers[0].server_address[1]
        self.away = f"http://127.0.0.1:{self._servers[1].server_address[1]}/login"
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @contextmanager
    def armed(self, strike: Trigger) -> Generator[Armed]:
        """Let a strike lie in wait while the block lasts."""
        self.strike = Armed(strike)
        try:
            yield self.strike
        finally:
            self.strike.over.set()
            self.strike = None

    def due(self) -> Fault | None:
        """Return what strikes the next request, if anything does."""
        armed = self.strike
        return armed.strike.fault if armed is not None and armed.request() else None


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: ends that hang up are what this is about."""


class _Login(BaseRequestHandler):
    """Answer every request with a page to log in at, and hang up."""

    def handle(self) -> None:
        client = cast("socket.socket", self.request)
        reader = client.makefile("rb")
        head = _head(reader)
        if head is None:
            return
        for _ in _body(reader, head, asked=None):
            pass
        length = str(len(PAGE)).encode()
        client.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
            b"Content-Length: " + length + b"\r\n\r\n" + (PAGE if head.method != b"HEAD" else b"")
        )


class _Between(BaseRequestHandler):
    owner: HttpProxy

    def handle(self) -> None:
        """Carry requests and replies of one connection."""
        client = cast("socket.socket", self.request)
        server = socket.create_connection((self.owner.host, self.owner.target), 10)
        server.settimeout(None)
        requests, replies = client.makefile("rb"), server.makefile("rb")
        try:
            while (asked := _head(requests)) is not None:
                fault = self.owner.due()
                if (answer := self._own(fault)) is not None:
                    if not asked.get(b"expect"):
                        for _ in _body(requests, asked, asked=None):
                            pass
                    client.sendall(answer if asked.method != b"HEAD" else answer[: -len(PAGE)])
                    if asked.get(b"expect"):
                        return
                    continue
                server.sendall(asked.raw)
                if not asked.get(b"expect"):
                    _carry(requests, server, asked)
                head = _head(replies)
                while head is not None and head.status < 200:
                    client.sendall(head.raw)
                    _carry(requests, server, asked)
                    head = _head(replies)
                if head is None:
                    return
                self._reply(client, replies, asked, head, fault)
                if head.get(b"connection").lower() == b"close":
                    return
        except OSError:
            return
        finally:
            for one in (requests, replies, server):
                with contextlib.suppress(OSError):
                    one.close()

    def _own(self, fault: Fault | None) -> bytes | None:
        """Return an answer that is not the server's."""
        length = b"Content-Length: %d\r\nContent-Type: text/html\r\n\r\n" % len(PAGE) + PAGE
        after = b"Retry-After: %d\r\n" % RETRY_AFTER_S
        match fault:
            case Fault.TOO_MANY:
                return b"HTTP/1.1 429 Too Many Requests\r\n" + after + length
            case Fault.BUSY:
                return b"HTTP/1.1 503 Service Unavailable\r\n" + after + length
            case Fault.AWAY:
                where = b"Location: " + self.owner.away.encode() + b"\r\n"
                return b"HTTP/1.1 302 Found\r\n" + where + length
            case _:
                return None

    def _reply(
        self,
        client: socket.socket,
        replies: BinaryIO,
        asked: Head,
        head: Head,
        fault: Fault | None,
    ) -> None:
        """Pass a reply on, changed as the fault wants it."""
        told = head.get(b"content-length")
        texts = any(one in head.get(b"content-type") for one in TEXTS)
        if fault is Fault.ETAG:
            self.owner.lie += 1
            head = Head(corrupt_replies.etags(head.raw, self.owner.lie))
        if asked.method == b"HEAD":
            if fault is Fault.SIZE and int(told or 0) > 1:
                head = head.having(b"content-length", str(int(told) // 2).encode())
            client.sendall(head.raw)
            return
        if fault in {Fault.SIZE, Fault.ETAG} and texts and int(told or 0) < LARGEST:
            body = b"".join(_body(replies, head, asked=asked, framed=False))
            body = (
                corrupt_replies.sizes(body)
                if fault is Fault.SIZE
                else corrupt_replies.etags(body, self.owner.lie)
            )
            head = head.without(b"transfer-encoding").having(
                b"content-length", str(len(body)).encode()
            )
            client.sendall(head.raw + (b"" if head.status in {204, 304} else body))
        elif fault is Fault.SIZE and int(told or 0) > 1:
            half = int(told) // 2
            client.sendall(head.having(b"content-length", str(half).encode()).raw)
            for piece in _body(replies, head, asked=asked):
                client.sendall(piece[: max(0, half)])
                half -= len(piece)
        else:
            client.sendall(head.raw)
            for piece in _body(replies, head, asked=asked):
                client.sendall(piece)


def _carry(requests: BinaryIO, server: socket.socket, asked: Head) -> None:
    for piece in _body(requests, asked, asked=None):
        server.sendall(piece)


def _head(reader: BinaryIO) -> Head | None:
    """Return the next head, or nothing when no other comes."""
    lines: list[bytes] = []
    while True:
        line = reader.readline(65537)
        if not line.endswith(b"\n"):
            return None
        if not lines and line == b"\r\n":
            continue
        lines.append(line)
        if line == b"\r\n":
            return Head(b"".join(lines))


def _body(
    reader: BinaryIO, head: Head, *, asked: Head | None, framed: bool = True
) -> Iterator[bytes]:
    """Yield the body that follows a head: of a request, or of the reply to `asked`.

    `framed` says whether the sizes of chunks are yielded too, so that it can be sent on.
    """
    if asked is not None and (asked.method == b"HEAD" or head.status in {204, 304}):
        return
    if b"chunked" in head.get(b"transfer-encoding").lower():
        while True:
            line = reader.readline(1024)
            size = int(line.split(b";")[0], 16)
            data = reader.read(size) + reader.readline(1024)
            yield line + data if framed else data[:size]
            if not size:
                return
    left = head.get(b"content-length")
    if left or asked is None:
        count = int(left or 0)
        while count > 0 and (data := reader.read(min(count, 2**16))):
            count -= len(data)
            yield data
        return
    while data := reader.read(2**16):
        yield data
