"""No catalog, no answer: the one place before all routes that asks whether there is one.

What a catalog lacks, such as any token, means something only while it is there and is the same.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.errors import CatalogError
from gateway.access.context import Gateway
from gateway.http.errors import reply
from gateway.http.request_id import request_id

OPEN = frozenset(("/healthz", "/readyz"))
"""Routes that say how the gateway itself is; `/readyz` looks at the catalog on its own."""


class CatalogGuard:
    """ASGI middleware that answers 503 while the catalog is gone, empty, another, or unreadable."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        """Wrap `app`."""
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                self._gateway.catalog.check_available()
                if not self._gateway.doors.fresh():
                    await self._gateway.thread(self._gateway.doors.known)
            except CatalogError as error:
                await reply(error, request_id())(scope, receive, send)
                return
        await self._app(scope, receive, send)
