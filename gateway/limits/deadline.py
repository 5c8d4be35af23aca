"""A request's questions end with its time, and when its client leaves.

Whoever asks for much and goes away would else keep the catalog, and threads, busy for nobody.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.store.query_budget import Budget, query_budget

BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))


class RequestDeadline:
    """ASGI middleware that gives each request a budget, and ends it when the client leaves."""

    def __init__(self, app: ASGIApp, question_s: float) -> None:
        """Wrap `app`; each question to the catalog may take `question_s` seconds."""
        self._app, self._question_s = app, question_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        budget = Budget(self._question_s)
        client = _Client(receive, budget)
        if scope["method"] in BODILESS:
            await client.listen()
        try:
            with query_budget(budget):
                await self._app(scope, client.receive, send)
        finally:
            await client.close()


class _Client:
    """What a client sends; once its body has ended, only that it leaves is still to come."""

    def __init__(self, receive: Receive, budget: Budget) -> None:
        self._receive, self._budget = receive, budget
        self._first: Message | None = None
        self._leaving: asyncio.Task[Message] | None = None

    async def listen(self) -> None:
        """Take the empty body of a request that has none, and wait for the client to leave."""
        self._first = await self._next()

    async def receive(self) -> Message:
        """Return what came next."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._leaving is not None:
            return await asyncio.shield(self._leaving)
        return await self._next()

    async def close(self) -> None:
        """Wait no more."""
        if self._leaving is not None:
            self._leaving.cancel()
            with suppress(asyncio.CancelledError):
                await self._leaving

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._budget.leave()
        elif not message.get("more_body", False):
            self._leaving = asyncio.create_task(self._left())
        return message

    async def _left(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._budget.leave()
                return message
