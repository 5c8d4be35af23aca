"""Cancels a request's catalog queries after a time limit, or when its client disconnects.

Otherwise expensive queries of disconnected clients would keep the catalog and threads busy.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.store.query_budget import Budget, query_budget

BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))


class RequestDeadline:
    """ASGI middleware that gives each request a query budget, cancelled on disconnect."""

    def __init__(self, app: ASGIApp, question_s: float) -> None:
        """Wrap `app`; each catalog query may take `question_s` seconds."""
        self._app, self._question_s = app, question_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
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
    """Receives a client's messages; after the body, watches for its disconnect."""

    def __init__(self, receive: Receive, budget: Budget) -> None:
        self._receive, self._budget = receive, budget
        self._first: Message | None = None
        self._leaving: asyncio.Task[Message] | None = None

    async def listen(self) -> None:
        """Receive the empty body of a request without one, and watch for the disconnect."""
        self._first = await self._next()

    async def receive(self) -> Message:
        """Return the next message."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._leaving is not None:
            return await asyncio.shield(self._leaving)
        return await self._next()

    async def close(self) -> None:
        """Stop watching."""
        if self._leaving is not None:
            self._leaving.cancel()
            with suppress(asyncio.CancelledError):
                await self._leaving

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._budget.leave()
        elif not message.get("more_body", False):
            self._leaving = asyncio.create_task(self._wait_for_disconnect())
        return message

    async def _wait_for_disconnect(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._budget.leave()
                return message
