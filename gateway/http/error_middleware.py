"""Converts errors to responses, or closes the connection if the response has started.

The server closes the connection of an incomplete response, so that the client never takes the
body for a complete one.
"""

from __future__ import annotations

import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.errors import CatalogError
from catalog.store.disk_errors import disk_error
from gateway.http.errors import error_response
from gateway.http.file_response import ShortBodyError
from gateway.http.request_id import request_id

LOG = logging.getLogger("entrepot.gateway")


class AbortOnError:
    """ASGI middleware that logs an error after the response has started as a single line."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        began = False

        async def sent(message: Message) -> None:
            nonlocal began
            began = began or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except (CatalogError, ShortBodyError) as error:
            if not began:
                raise
            LOG.warning(
                "response of %s aborted: %s: %s", scope["path"], type(error).__name__, error
            )


class ErrorResponses:
    """ASGI middleware that converts errors to responses by the table in `gateway.http.errors`."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`, which raises none after its response has started."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        try:
            await self._app(scope, receive, send)
        except (CatalogError, OSError) as error:
            found = error if isinstance(error, CatalogError) else disk_error(error)
            if found is None:
                raise
            await error_response(found, request_id())(scope, receive, send)


class AsgiResponse(Response):
    """A response that is an ASGI application itself."""

    def __init__(self, app: ASGIApp) -> None:
        """Respond with `app`."""
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request."""
        await AbortOnError(self._app)(scope, receive, send)
