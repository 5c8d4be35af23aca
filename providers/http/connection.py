"""One HTTP/1.1 connection: a socket and a buffer, from which responses are parsed.

It uses plain recv_into and bytes operations: http.client takes five times the CPU per request.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

from catalog.errors import (
    ConnectionFailed,
    SizeMismatch,
    StorageError,
    TransferTimeout,
    UnexpectedReply,
)
from providers.base import Timeouts
from providers.http.socket import translate

HEAD_BUFFER = 2**16  # bytes; the longest response head, possibly with a small body
STREAM_BUFFER = 2**18  # bytes; fits into a core's cache, where it is then hashed
SEND_PIECE = 2**18  # bytes; Python's sendall has a single time-out for all of its bytes
MAX_LINE = 2**12  # bytes of a chunk's size line

Headers = dict[bytes, bytes]


class Connection:
    """A socket with its buffer: used by one thread at a time, which the pool assigns."""

    __slots__ = (
        "_in_kernel",
        "_view",
        "buffer",
        "deadline",
        "end",
        "label",
        "path",
        "sock",
        "start",
        "timeouts",
    )

    def __init__(self, sock: socket.socket, label: str, timeouts: Timeouts) -> None:
        """Own `sock`; `label` names the server in messages."""
        self.sock = sock
        self.label = label
        self.timeouts = timeouts
        self.path = ""  # of the current request, for messages
        self.deadline: float | None = None
        self.buffer = bytearray(HEAD_BUFFER)
        self._view = memoryview(self.buffer)
        self.start = self.end = 0  # the received bytes that were not used yet
        # The kernel's time-outs save a poll, and releasing the GIL, before each call. TLS cannot
        # use them: Python's ssl module retries for ever when they expire.
        self._in_kernel = not isinstance(sock, ssl.SSLSocket)
        if self._in_kernel:
            sock.settimeout(None)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(timeouts.write_s))
        self._set_timeout(timeouts.read_s)

    def begin(self, path: str) -> None:
        """Start the total time-out of a request for `path`."""
        self.path = path
        self.start = self.end = 0
        total_s = self.timeouts.total_s
        self.deadline = None if total_s is None else time.monotonic() + total_s

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`; the write time-out applies to each piece."""
        timeouts = self.timeouts
        own = not self._in_kernel and timeouts.write_s != timeouts.read_s
        if own:
            self.sock.settimeout(timeouts.write_s)
        try:
            if len(data) <= SEND_PIECE:
                self.sock.sendall(data)
            else:
                view = memoryview(data)
                for start in range(0, len(view), SEND_PIECE):
                    self._check_deadline()
                    self.sock.sendall(view[start : start + SEND_PIECE])
        except OSError as error:
            raise self.failure(error, "sending") from error
        finally:
            if own:
                with suppress(OSError):
                    self.sock.settimeout(timeouts.read_s)

    def receive_into(self, view: memoryview) -> int:
        """Receive at least one byte into `view`, or return 0 at the end of the stream."""
        if self.deadline is not None:
            self._check_deadline()
        try:
            return self.sock.recv_into(view)
        except OSError as error:
            raise self.failure(error, "receiving") from error

    def read_head(self) -> tuple[int, Headers]:
        """Read a response's head; raise `EOFError` if the server closed without a byte."""
        while True:
            searched = self.start
            while (mark := self.buffer.find(b"\r\n\r\n", searched, self.end)) < 0:
                searched = max(self.start, self.end - 3)
                if self.end == HEAD_BUFFER:
                    raise self._malformed("headers longer than 64 KiB")
                count = self.receive_into(self._view[self.end :])
                if count == 0:
                    if self.end == 0:
                        raise EOFError
                    raise self._malformed("incomplete headers")
                self.end += count
            first, *lines = bytes(self._view[self.start : mark]).split(b"\r\n")
            self.start = mark + 4
            if first[:5] != b"HTTP/" or not first[9:12].isdigit():
                raise self._malformed("a response that is not HTTP")
            status = int(first[9:12])
            if status >= 200 or status == 101:
                return status, self._parse_headers(first, lines)

    def read_exactly(self, length: int) -> bytes:
        """Read a body of `length` bytes whole."""
        have = self.end - self.start
        if have >= length:
            data = bytes(self._view[self.start : self.start + length])
            self.start += length
            return data
        whole = bytearray(length)
        view = memoryview(whole)
        view[:have] = self._view[self.start : self.end]
        self.start = self.end = 0
        while have < length:
            count = self.receive_into(view[have:])
            if count == 0:
                raise SizeMismatch(self.path, length, have)
            have += count
        return bytes(whole)

    def stream(self, length: int | None) -> Iterator[memoryview]:
        """Yield a body of `length` bytes, or until the server closes, in one reused buffer."""
        have = self.end - self.start
        done = have if length is None else min(have, length)
        if done:
            yield self._view[self.start : self.start + done]
            self.start += done
        if length is not None and done == length:
            return
        view = memoryview(bytearray(STREAM_BUFFER))
        while length is None or done < length:
            most = STREAM_BUFFER if length is None else min(STREAM_BUFFER, length - done)
            count = self.receive_into(view[:most])
            if count == 0:
                if length is None:
                    return
                raise SizeMismatch(self.path, length, done)
            done += count
            yield view[:count]

    def stream_chunked(self) -> Iterator[memoryview]:
        """Yield a chunked body; each piece is valid only until the next."""
        while True:
            line = self._read_line().partition(b";")[0].strip()
            try:
                left = int(line, 16)
            except ValueError as error:
                raise self._malformed("a chunk without a size") from error
            if left == 0:
                while self._read_line():  # trailers
                    pass
                return
            while left:
                if self.start == self.end:
                    self._fill()
                take = min(left, self.end - self.start)
                yield self._view[self.start : self.start + take]
                self.start += take
                left -= take
            if self._read_line():
                raise self._malformed("a chunk longer than its size")

    def is_stale(self) -> bool:
        """Return whether the server closed the idle connection, or sent something on it."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        with suppress(OSError):
            self.sock.close()

    def failure(self, error: OSError, doing: str) -> StorageError:
        """Translate a socket error."""
        return translate(error, f"{doing} {self.path!r}, {self.label}", self.path)

    def _parse_headers(self, first: bytes, lines: list[bytes]) -> Headers:
        try:
            pairs = [line.split(b":", 1) for line in lines]
            headers = {name.lower(): value.strip() for name, value in pairs}
        except ValueError as error:
            raise self._malformed("a header without a colon") from error
        if len(headers) != len(pairs):
            headers = self._join_headers(pairs)
        if first[5:8] == b"1.0":
            headers.setdefault(b"connection", b"close")
        return headers

    def _join_headers(self, pairs: list[list[bytes]]) -> Headers:
        """Join repeated headers; conflicting Content-Lengths are refused as an attack."""
        headers: Headers = {}
        for name, value in pairs:
            key, text = name.lower(), value.strip()
            if key not in headers:
                headers[key] = text
            elif key != b"content-length":
                headers[key] += b", " + text
            elif headers[key] != text:
                raise self._malformed("two different Content-Length headers")
        return headers

    def _read_line(self) -> bytes:
        while (mark := self.buffer.find(b"\r\n", self.start, self.end)) < 0:
            if self.end - self.start > MAX_LINE:
                raise self._malformed("a chunk size line without an end")
            self._fill()
        line = bytes(self._view[self.start : mark])
        self.start = mark + 2
        return line

    def _fill(self) -> None:
        have = self.end - self.start
        if self.end == HEAD_BUFFER or not have:
            self.buffer[:have] = self.buffer[self.start : self.end]
            self.start, self.end = 0, have
        count = self.receive_into(self._view[self.end :])
        if count == 0:
            raise ConnectionFailed(
                f"{self.label} closed the connection while sending {self.path!r}",
                path=self.path,
            )
        self.end += count

    def _malformed(self, what: str) -> StorageError:
        return UnexpectedReply(
            f"{self.label} answered the request for {self.path!r} with {what}", path=self.path
        )

    def _check_deadline(self) -> None:
        if self.deadline is None:
            return
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TransferTimeout(
                f"{self.label}: {self.path!r} took longer than {self.timeouts.total_s} s",
                path=self.path,
            )
        self._set_timeout(min(self.timeouts.read_s, left_s))

    def _set_timeout(self, seconds: float) -> None:
        if self._in_kernel:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds))
        else:
            self.sock.settimeout(seconds)


def _timeval(seconds: float) -> bytes:
    """Return `seconds` as a struct timeval; never 0, which would mean no time-out."""
    whole, part = divmod(max(seconds, 0.001), 1.0)
    return struct.pack("@ll", int(whole), int(part * 1e6))
