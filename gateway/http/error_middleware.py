"""What becomes of an error of ours: a reply, or, once a reply has begun, the end of its connection.

The server closes a connection whose reply was left incomplete, so the client sees a body that ends
early, and never takes it for a whole one.
"""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.errors import CatalogError
from catalog.store.disk_errors import disk_error
from gateway.http.errors import reply
from gateway.http.file_response import ShortBodyError
from gateway.http.request_id import request_id

LOG = logging.getLogger("entrepot.gateway")


class AbortOnError:
    """ASGI middleware: what fails midway ends the connection, and is logged as one line."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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
            LOG.warning("cut %s: %s: %s", scope["path"], type(error).__name__, error)


class ErrorResponses:
    """ASGI middleware: an error of ours is answered as the table of `gateway.http.errors` says."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`, which raises none after its reply has begun."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._app(scope, receive, send)
        except (CatalogError, OSError) as error:
            found = error if isinstance(error, CatalogError) else disk_error(error)
            if found is None:
                raise
            await reply(found, request_id())(scope, receive, send)
