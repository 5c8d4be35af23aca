"""An ASGI application as the response of a route: it answers the request as it likes."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.error_middleware import AbortOnError


class AsgiResponse(Response):
    """Hands the request on to an application of its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Answer with `app`."""
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        await AbortOnError(self._app)(scope, receive, send)
