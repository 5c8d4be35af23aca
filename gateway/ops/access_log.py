"""One log line a request: who asked for what, what became of it, how long it took."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.ops.exchange import Exchange, client_of, tenant_of
from gateway.ops.redaction import redacted

LOGGER = logging.getLogger("gateway.access")


class AccessLog:
    """ASGI middleware that logs each request when it has ended, however it did.

    Put it right below `Correlation`. The status 499 means that the client left before a reply.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap `app`."""
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, then log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, exchange, failed = self._clock(), Exchange(receive, send), True
        method, path = str(scope["method"]), str(scope["path"])
        query = scope.get("query_string", b"").decode("latin-1")
        try:
            await self._app(scope, exchange.receive, exchange.send)
            failed = False
        finally:
            status = exchange.outcome(failed=failed)
            gone = exchange.gone or not (exchange.complete or failed)
            told = {
                "method": method,
                "path": f"{path}?{redacted(query)}" if query else path,
                "status": status,
                "bytes_sent": exchange.sent,
                "duration_ms": round((self._clock() - began) * 1000, 3),
                "client": client_of(scope),
                "tenant": tenant_of(scope),
                "client_gone": gone,
            }
            LOGGER.info("%s %s %s", method, path, status, extra=told)
