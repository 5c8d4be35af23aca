"""The id that a request bears in every log line, in its reply and in its errors.

app = Correlation(app)      # outermost, so that refusals and failures bear it too
request_id()                # anywhere below, in threads of the request too
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
TAKEN = (HEADER, b"correlation-id")  # headers of a request, the first safe one counts
_SAFE = re.compile(rb"[A-Za-z0-9._:-]{1,100}")  # nothing that could forge a log line or a header

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """Return the id of the request that is answered here; None outside of one."""
    return _current.get()


def chosen_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that a request brings, if it is safe to repeat, or else a new one.

    >>> chosen_id([(b"x-request-id", b"abc-1")])
    'abc-1'
    """
    given = dict(reversed([*headers]))  # of one header given twice the first counts
    for name in TAKEN:
        if name in given and _SAFE.fullmatch(given[name]):
            return given[name].decode("ascii")
    return uuid.uuid4().hex


class RequestIdMiddleware:
    """ASGI middleware that gives each request its id.

    The id is never taken back: the server runs each request in a context of its own, and what it
    logs of a failure afterwards then bears the id as well.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = chosen_id(scope["headers"])
        _current.set(one)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() != HEADER]
                message = {**message, "headers": [*others, (HEADER, one.encode("ascii"))]}
            await send(message)

        await self._app(scope, receive, sent)
