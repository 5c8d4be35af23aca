"""An HTTP server that misbehaves by script: the next fault of a path, then the next, then good.

>>> with FaultyServer() as server:
...     server.files["/a"] = b"hello"
...     server.script("/a", status(503, {"Retry-After": "1"}), half_body(), flipped_bit())
...     url = server.url + "/a"

Each request takes one step of its path's script; after the last one the file is served as it
is. `server.requests` counts per path, `server.seen` keeps every request's method and headers.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(slots=True)
class Reply:
    """What the handler is about to send; a fault changes it or takes over."""

    handler: _Handler
    body: bytes
    headers: dict[str, str]
    status: int = 200


Fault = Callable[[Reply], bool]
"""Change the reply and return False, or answer by itself and return True."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: Message
    peer: int  # the client's port: one a connection


@dataclass(slots=True)
class FaultyServer:
    """The server; a context manager that listens on a free port of 127.0.0.1."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    requests: Counter[str] = field(default_factory=Counter[str])
    seen: list[Seen] = field(default_factory=list[Seen])
    url: str = ""
    port: int = 0
    _scripts: defaultdict[str, deque[Fault]] = field(
        default_factory=lambda: defaultdict[str, deque[Fault]](deque)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def script(self, path: str, *faults: Fault) -> None:
        """Append `faults` to what the next requests of `path` will meet."""
        with self._lock:
            self._scripts[path].extend(faults)

    def unscript(self) -> None:
        """Forget every fault that has not come yet."""
        with self._lock:
            self._scripts.clear()

    def __enter__(self) -> Self:
        """Listen."""
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening, and wake whoever stalls."""
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def take(self, seen: Seen) -> Fault | None:
        """Count a request and return the next step of its path's script."""
        with self._lock:
            self.requests[seen.path] += 1
            self.seen.append(seen)
            script = self._scripts[seen.path]
            return script.popleft() if script else None

    def sleep(self, seconds: float) -> None:
        """Sleep, but not longer than the server lives."""
        self._stopped.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    owner: FaultyServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        fault = self.owner.take(Seen(self.command, self.path, self.headers, self.client_address[1]))
        body = self.owner.files.get(self.path)
        etag = f'"{md5(body or b"", usedforsecurity=False).hexdigest()}"'
        reply = Reply(self, body or b"", {"ETag": etag, "Accept-Ranges": "bytes"})
        if body is None:
            reply.status = 404
        elif self.headers.get("If-Match", etag) != etag:
            reply.status, reply.body = 412, b""
        elif asked := self.headers.get("Range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1 if last else len(body), len(body))
            reply.status, reply.body = 206, body[int(first) : end]
            reply.headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
        if fault is not None and fault(reply):
            return
        reply.headers.setdefault("Content-Length", str(len(reply.body)))
        self.send_head(reply)
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = _answer  # noqa: N815 - http.server's names

    def send_head(self, reply: Reply) -> None:
        """Send the status line and the headers."""
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection: a FIN, or a RST."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing."""


def good() -> Fault:
    """Serve the file as it is, once."""
    return lambda _: False


def half_body(*, reset: bool = False) -> Fault:
    """Promise the whole body, send half of it, close."""

    def fault(reply: Reply) -> bool:
        reply.headers["Content-Length"] = str(len(reply.body))
        reply.handler.send_head(reply)
        reply.handler.wfile.write(reply.body[: len(reply.body) // 2])
        reply.handler.wfile.flush()
        reply.handler.hang_up(reset=reset)
        return True

    return fault


def short_lie() -> Fault:
    """Send half of the body and call that the whole: Content-Length is of the half."""

    def fault(reply: Reply) -> bool:
        reply.body = reply.body[: len(reply.body) // 2]
        return False

    return fault


def flipped_bit() -> Fault:
    """Send the whole body with its last bit flipped."""

    def fault(reply: Reply) -> bool:
        reply.body = reply.body[:-1] + bytes([reply.body[-1] ^ 1])
        return False

    return fault


def status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"no\n") -> Fault:
    """Answer with this status, these headers and a body that is not the file."""

    def fault(reply: Reply) -> bool:
        reply.status, reply.body = code, body
        reply.headers = dict(headers or {})
        return False

    return fault


def redirect(location: str, code: int = 302) -> Fault:
    """Send the client elsewhere: another path, host or port."""
    return status(code, {"Location": location})


def chunked(*, cut: bool = False) -> Fault:
    """Send the body in chunks without a Content-Length; `cut` ends before the last chunk."""

    def fault(reply: Reply) -> bool:
        reply.headers["Transfer-Encoding"] = "chunked"
        reply.handler.send_head(reply)
        if reply.handler.command != "HEAD":
            for start in range(0, len(reply.body), 1000):
                piece = reply.body[start : start + 1000]
                reply.handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            reply.handler.wfile.write(b"" if cut else b"0\r\n\r\n")
        if cut:
            reply.handler.hang_up()
        return True

    return fault


def until_close() -> Fault:
    """Send the body without any length and close."""

    def fault(reply: Reply) -> bool:
        reply.headers["Connection"] = "close"
        reply.handler.send_head(reply)
        if reply.handler.command != "HEAD":
            reply.handler.wfile.write(reply.body)
        reply.handler.close_connection = True
        return True

    return fault


def stall(seconds: float, after: int | None = None) -> Fault:
    """Send nothing for `seconds`: before the head, or in the body `after` so many bytes."""

    def fault(reply: Reply) -> bool:
        if after is None:
            reply.handler.owner.sleep(seconds)
            return False
        reply.headers["Content-Length"] = str(len(reply.body))
        reply.handler.send_head(reply)
        reply.handler.wfile.write(reply.body[:after])
        reply.handler.wfile.flush()
        reply.handler.owner.sleep(seconds)
        reply.handler.wfile.write(reply.body[after:])
        return True

    return fault


def hang_up(*, reset: bool = False) -> Fault:
    """Close the connection without any answer."""

    def fault(reply: Reply) -> bool:
        reply.handler.hang_up(reset=reset)
        return True

    return fault


def close_after() -> Fault:
    """Serve the file, keep-alive promised, and close behind it: the connection goes stale."""

    def fault(reply: Reply) -> bool:
        reply.headers["Content-Length"] = str(len(reply.body))
        reply.handler.send_head(reply)
        if reply.handler.command != "HEAD":
            reply.handler.wfile.write(reply.body)
        reply.handler.wfile.flush()
        reply.handler.hang_up()
        return True

    return fault


def slowly(bytes_per_s: int) -> Fault:
    """Send the body at about this rate, never idle for long."""

    def fault(reply: Reply) -> bool:
        reply.headers["Content-Length"] = str(len(reply.body))
        reply.handler.send_head(reply)
        step = max(1, bytes_per_s // 20)
        for start in range(0, len(reply.body), step):
            reply.handler.wfile.write(reply.body[start : start + step])
            time.sleep(0.05)
        return True

    return fault
