"""Refuses all requests while the catalog is unavailable.

Otherwise a missing catalog would look like one without tokens.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.errors import CatalogError
from gateway.access.context import Gateway
from gateway.http.errors import error_response
from gateway.http.request_id import request_id

OPEN = frozenset(("/healthz", "/readyz"))
"""Health routes; `/readyz` checks the catalog itself."""


class CatalogAvailability:
    """ASGI middleware that responds with 503 while the catalog is gone, replaced, or unreadable."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        """Wrap `app`."""
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                self._gateway.catalog.check_available()
                if not self._gateway.authenticator.is_fresh():
                    await self._gateway.run_in_thread(self._gateway.authenticator.known_tokens)
            except CatalogError as error:
                await error_response(error, request_id())(scope, receive, send)
                return
        await self._app(scope, receive, send)
