"""A small HTTP proxy: absolute-form requests and CONNECT, with or without a password."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Self


@dataclass(slots=True)
class ProxyServer:
    """The proxy; `lines` keeps the first line of each request that was let through."""

    user: str = ""
    password: str = ""
    lines: list[str] = field(default_factory=list[str])
    url: str = ""
    _server: ThreadingTCPServer | None = None

    def __enter__(self) -> Self:
        """Listen."""
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def lets_in(self, head: bytes) -> bool:
        """Say whether a request carries the right password."""
        secret = b64encode(f"{self.user}:{self.password}".encode())
        headers = (line.partition(b": ") for line in head.split(b"\r\n"))
        given = [value for name, _, value in headers if name.lower() == b"proxy-authorization"]
        return not self.user or given == [b"Basic " + secret]


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseRequestHandler):
    owner: ProxyServer

    def handle(self) -> None:
        client: socket.socket = self.request
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return
            head += piece
        if not self.owner.lets_in(head):
            client.sendall(
                b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n"
                b"Proxy-Authenticate: Basic\r\n\r\n"
            )
            return
        method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
        self.owner.lines.append(f"{method.decode()} {target.decode()}")
        if method == b"CONNECT":
            host, port = target.decode().rsplit(":", 1)
            server = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            host, port = target.split(b"/")[2].decode().split(":")
            server = socket.create_connection((host, int(port)))
            server.sendall(head)
        with server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(origin: socket.socket, goal: socket.socket) -> None:
    try:
        while data := origin.recv(65536):
            goal.sendall(data)
        goal.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side hung up; the other notices by itself
