"""A TCP proxy before a real server that misbehaves, on a free port of 127.0.0.1.

>>> with TcpProxy("127.0.0.1", 21) as wire:                             # doctest: +SKIP
...     with wire.armed(Trigger(Fault.RESET, after=1000)):
...         talk_to("127.0.0.1", wire.port)
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from tests.faults.kit.fault_kinds import Direction, Fault, Often
from tests.faults.kit.trigger import Armed, Trigger

PIECE = 2**16  # bytes of one slow piece
PAUSE_S = 0.02  # before each of them
AWAY_S = 0.3  # that a server is gone which comes back
NUMBERS = itertools.count()
Change = Callable[[bytes], bytes]


@dataclass(eq=False, slots=True)
class Link:
    """A connection of a client, and the one to the server that belongs to it."""

    number: int
    client: socket.socket
    server: socket.socket
    over: list[Direction] = field(default_factory=list[Direction])
    """The directions in which all was said."""

    def ends(self, direction: Direction) -> tuple[socket.socket, socket.socket]:
        """Return where bytes come from and where they go."""
        if direction is Direction.DOWN:
            return self.server, self.client
        return self.client, self.server

    def finish(self) -> None:
        """End both connections as if all had been said."""
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Reset both connections."""
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RD)  # wakes who reads it
        self.close()

    def close(self) -> None:
        """Close both connections."""
        self.client.close()
        self.server.close()


@dataclass(eq=False, slots=True)
class TcpProxy:
    """The proxy; a context manager."""

    host: str
    target: int
    port: int = 0
    down: Change | None = None
    """What becomes of the bytes from the server, before anything strikes them."""
    strike: Armed | None = None
    _listener: socket.socket | None = None
    _links: set[Link] = field(default_factory=set[Link])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Listen."""
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening, and end every connection."""
        self._closed.set()
        self.disarm()
        self.vanish()

    @contextmanager
    def armed(self, strike: Trigger) -> Generator[Armed]:
        """Let a strike lie in wait while the block lasts."""
        self.strike = Armed(strike)
        try:
            yield self.strike
        finally:
            self.disarm()

    def waiting(self) -> Armed | None:
        """Return the strike that lies in wait."""
        return self.strike

    def disarm(self) -> None:
        """Call the strike off: what it holds ends, and who is gone comes back."""
        armed, self.strike = self.strike, None
        if armed is not None:
            armed.over.set()
        if not self._closed.is_set():
            self.listen()

    def listen(self) -> None:
        """Accept connections, on the same port as before if there was one."""
        with self._lock:
            if self._listener is not None:
                return
            listener = socket.create_server(("127.0.0.1", self.port))
            self._listener, self.port = listener, listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def vanish(self) -> None:
        """Stop listening and reset every connection, as a killed server does."""
        with self._lock:
            listener, self._listener = self._listener, None
            links, self._links = self._links, set()
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            listener.close()
        for link in links:
            link.reset()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self.host, self.target), 10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            link = Link(next(NUMBERS), client, server)
            with self._lock:
                self._links.add(link)
            for direction in Direction:
                threading.Thread(target=self._pump, args=(link, direction), daemon=True).start()

    def _pump(self, link: Link, direction: Direction) -> None:
        origin, goal = link.ends(direction)
        try:
            while data := origin.recv(PIECE):
                if direction is Direction.DOWN and self.down is not None:
                    data = self.down(data)
                if not self._passed(link, direction, goal, data):
                    break
            else:
                goal.shutdown(socket.SHUT_WR)
                link.over.append(direction)
                if len(link.over) < len(Direction):
                    return  # the other direction goes on
        except OSError:
            pass
        link.finish()
        link.close()
        with self._lock:
            self._links.discard(link)

    def _passed(self, link: Link, direction: Direction, goal: socket.socket, data: bytes) -> bool:
        """Pass bytes on as the strike lets them; say whether the connection lives on."""
        armed = self.waiting()
        at = armed.place(link.number, direction, len(data)) if armed is not None else None
        if armed is None or at is None:
            slow = armed is not None and armed.struck and armed.strike.fault is Fault.SLOW
            _send(goal, data, pause_s=PAUSE_S if slow else 0)
            return True
        before, rest = data[:at], data[at:]
        goal.sendall(before)
        match armed.strike.fault:
            case Fault.FLIP:
                goal.sendall(bytes([rest[0] ^ 1]) + rest[1:])
                return True
            case Fault.SLOW:
                _send(goal, rest, pause_s=PAUSE_S)
                return True
            case Fault.STALL:
                armed.over.wait()
                link.reset()
            case Fault.RESET:
                link.reset()
            case Fault.GONE:
                self.vanish()
                if armed.strike.often is Often.ONCE:
                    armed.over.wait(AWAY_S)
                    if not self._closed.is_set():
                        self.listen()
            case _:
                link.finish()
        return False


def _send(goal: socket.socket, data: bytes, *, pause_s: float) -> None:
    if not pause_s:
        goal.sendall(data)
        return
    for start in range(0, len(data), PIECE // 4):
        time.sleep(pause_s / 4)
        goal.sendall(data[start : start + PIECE // 4])
