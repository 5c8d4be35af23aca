"""Enforces `gateway.limits.rules` on requests before the app handles them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.errors import send_error
from gateway.limits.rules import BodyLimit, ConcurrencyLimit, HeadLimit, RateLimit, Refusal
from gateway.ops.request_meter import client_of

JSON_BODY = 2**20  # bytes
DRAINED = 2**20  # bytes read after a refusal, so that a client that still writes gets the response
DRAIN_S = 2.0
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


def json_body(_: Scope) -> int | None:
    """Allow JSON's limit for every body."""
    return JSON_BODY


def is_probe(scope: Scope) -> bool:
    """Return whether a request is a health check or a scrape."""
    return scope["path"] in PROBES


class RequestLimits:
    """ASGI middleware that refuses requests over the limits: 431, 413, 429, 503.

    A body that turns out too large looks to the app like a disconnected client, so that it cleans
    up. Whatever it responds then, the client gets 413.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        head: HeadLimit | None = None,
        body: Callable[[Scope], int | None] = json_body,
        rate: RateLimit | None = None,
        caller: Callable[[Scope], str] = client_of,
        under_way: ConcurrencyLimit | None = None,
        exempt: Callable[[Scope], bool] = is_probe,
        idle_s: float | None = None,
    ) -> None:
        """Wrap `app`.

        Args:
            app: The application to protect.
            head: The largest request head.
            body: The largest body of a request in bytes, by its scope; None for unlimited.
            rate: The request rate of one caller.
            caller: The caller, by the scope; must not depend on what a client can fake.
            under_way: How many requests are handled at once.
            exempt: Requests that are not counted by `rate` and `under_way`.
            idle_s: Time limit without data of a body; None for unlimited.
        """
        self._app = app
        self._head = head or HeadLimit()
        self._body, self._caller, self._exempt = body, caller, exempt
        self._rate, self._under_way = rate, under_way
        self._idle_s = idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = BodyLimit(self._body(scope))
        refused = self._refusal(scope, body)
        counted = None if refused or self._exempt(scope) else self._under_way
        if counted is not None:
            refused = counted.enter()
        if refused is not None:
            await _refuse(refused, scope, receive, send)
            return
        try:
            await _run_limited(self._app, body, scope, receive, send, self._idle_s)
        finally:
            if counted is not None:
                counted.leave()

    def _refusal(self, scope: Scope, body: BodyLimit) -> Refusal | None:
        target = scope.get("raw_path") or scope["path"].encode()
        target += scope.get("query_string", b"")
        refused = self._head.refusal(target, scope["headers"])
        if refused is None and self._rate is not None and not self._exempt(scope):
            refused = self._rate.refusal(self._caller(scope))
        return refused or body.refusal(scope["headers"])


async def _run_limited(
    app: ASGIApp,
    body: BodyLimit,
    scope: Scope,
    receive: Receive,
    send: Send,
    idle_s: float | None,
) -> None:
    """Run the app; stop receiving the body if it is too large or stalls."""
    over = ended = started = False
    why = body.refused()

    async def received() -> Message:
        nonlocal over, ended, why
        if over:
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout(None if ended else idle_s):
                message = await receive()
        except TimeoutError:
            over = True
            why = Refusal(
                408, "RequestTimeout", f"no data of the body was received for {idle_s:g} s"
            )
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            over = body.over(len(message.get("body", b"")))
            ended = not message.get("more_body", False)
        return {"type": "http.disconnect"} if over else message

    async def sent(message: Message) -> None:
        nonlocal started
        if over and not started:
            return  # replaced by 413
        started = True
        await send(message)

    try:
        await app(scope, received, sent)
    except ClientDisconnect:
        if not over:
            raise
    if over and not started:
        await _refuse(why, scope, received if ended else receive, send)


async def _refuse(refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    headers = refused.headers()
    if await _drain(scope, receive):
        headers.append((b"connection", b"close"))
    await send_error(send, refused.status, refused.kind, refused.message, headers)


async def _drain(scope: Scope, receive: Receive) -> bool:
    """Receive some more of the body, and return whether it is still incomplete.

    Closing a connection while the client writes resets it, and the response is lost. A client with
    `Expect: 100-continue` has written nothing.
    """
    if any(name == b"expect" for name, _ in scope["headers"]):
        return True
    left = DRAINED
    try:
        async with asyncio.timeout(DRAIN_S):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return False
                left -= len(message.get("body", b""))
    except TimeoutError:
        pass
    return True
