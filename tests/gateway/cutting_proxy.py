"""A relay on 127.0.0.1 that cuts connections: what a bad network does to whoever asks a server."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import cast


class Relay(socketserver.ThreadingTCPServer):
    """Passes bytes on to a server; `cuts` says after how many each next connection ends."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: tuple[str, int], cuts: list[int]) -> None:
        """Listen on a free port; once `cuts` is empty, nothing is cut."""
        super().__init__(("127.0.0.1", 0), _Passing)
        self.server, self.cuts, self.count = server, cuts, 0

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        relay = cast("Relay", self.server)
        relay.count += 1
        left = [relay.cuts.pop(0) if relay.cuts else 2**60]
        with socket.create_connection(relay.server) as there:
            other = threading.Thread(target=_passed, args=(there, self.request, left), daemon=True)
            other.start()
            _passed(self.request, there, left)
            other.join(120)


def _passed(origin: socket.socket, to: socket.socket, left: list[int]) -> None:
    with suppress(OSError):
        while data := origin.recv(2**16):
            to.sendall(data[: max(0, left[0])])
            left[0] -= len(data)
            if left[0] <= 0:
                break
    for one in (origin, to):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(url: str, cuts: list[int]) -> Generator[Relay]:
    """Relay to the server at a URL while the block lasts."""
    host, _, port = url.removeprefix("http://").partition(":")
    with Relay((host, int(port)), cuts) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(120)
