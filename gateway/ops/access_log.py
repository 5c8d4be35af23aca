"""One log line per request: client, path, status, and duration."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.ops.redaction import redact
from gateway.ops.request_meter import RequestMeter, client_of, tenant_of

LOGGER = logging.getLogger("gateway.access")


class AccessLog:
    """ASGI middleware that logs each request at its end.

    Put it right below `RequestIdMiddleware`. Status 499: the client disconnected before a response.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap `app`."""
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, then log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, meter, failed = self._clock(), RequestMeter(receive, send), True
        method, path = str(scope["method"]), str(scope["path"])
        query = scope.get("query_string", b"").decode("latin-1")
        try:
            await self._app(scope, meter.receive, meter.send)
            failed = False
        finally:
            status = meter.final_status(failed=failed)
            gone = meter.client_left or not (meter.complete or failed)
            fields = {
                "method": method,
                "path": f"{path}?{redact(query)}" if query else path,
                "status": status,
                "bytes_sent": meter.sent,
                "duration_ms": round((self._clock() - began) * 1000, 3),
                "client": client_of(scope),
                "tenant": tenant_of(scope),
                "client_gone": gone,
            }
            LOGGER.info("%s %s %s", method, path, status, extra=fields)
