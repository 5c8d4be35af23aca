"""A server that takes what is posted to it, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it came."""

    path: str
    headers: Message
    content: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return what it holds."""
        return json.loads(self.content)


@dataclass(slots=True)
class Inbox:
    """The server; a context manager that listens on a free port of 127.0.0.1.

    `replies` are (status, headers, seconds to wait first) of the next requests; then 200.
    """

    replies: deque[tuple[int, dict[str, str], float]] = field(
        default_factory=deque[tuple[int, dict[str, str], float]]
    )
    posts: list[Post] = field(default_factory=list[Post])
    url: str = ""
    _server: ThreadingHTTPServer | None = None

    def answer(self, *statuses: int, wait_s: float = 0.0, **headers: str) -> None:
        """Answer the next requests with these."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.extend((status, named, wait_s) for status in statuses)

    def urls(self) -> list[str]:
        """Return every URL in what was posted, in order; each body is a list of them."""
        return sorted(url for post in self.posts for url in post.json())

    def __enter__(self) -> Self:
        """Start listening."""
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                inbox.posts.append(Post(self.path, self.headers, self.rfile.read(length)))
                status, headers, wait_s = inbox.replies.popleft() if inbox.replies else (200, {}, 0)
                time.sleep(wait_s)
                try:
                    self.send_response(status)
                    for name, value in {**headers, "Content-Length": "0"}.items():
                        self.send_header(name, value)
                    self.end_headers()
                except OSError:  # whoever asked has gone
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
