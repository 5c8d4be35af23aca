"""The id of a request, in its log lines, its response and its errors.

app = RequestIdMiddleware(app)  # outermost, so that refusals and failures have it too
request_id()                    # anywhere below, also in the request's threads
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
TAKEN = (HEADER, b"correlation-id")  # request headers; the first safe one is used
_SAFE = re.compile(rb"[A-Za-z0-9._:-]{1,100}")  # cannot forge log lines or headers

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """Return the id of the current request; None outside of one."""
    return _current.get()


def choose_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that a request sent, if it is safe, or else a new one.

    >>> choose_id([(b"x-request-id", b"abc-1")])
    'abc-1'
    """
    given = dict(reversed([*headers]))  # the first of repeated headers is used
    for name in TAKEN:
        if name in given and _SAFE.fullmatch(given[name]):
            return given[name].decode("ascii")
    return uuid.uuid4().hex


class RequestIdMiddleware:
    """ASGI middleware that sets each request's id.

    The id is never reset: the server runs each request in its own context, and when it logs a
    failure afterwards, the id is still there.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request with its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = choose_id(scope["headers"])
        _current.set(one)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() != HEADER]
                message = {**message, "headers": [*others, (HEADER, one.encode("ascii"))]}
            await send(message)

        await self._app(scope, receive, sent)
