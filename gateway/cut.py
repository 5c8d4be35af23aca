"""Ends what fails midway: a reply that began is cut off, and its cause logged as one line."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.errors import CatalogError
from gateway.sending import ShortBodyError

LOG = logging.getLogger("entrepot.gateway")


class Cut:
    """ASGI middleware: an error of ours after the head ends the connection, without a traceback.

    The server closes a connection whose reply was left incomplete, so the client sees a body that
    ends early, and never takes it for a whole one.
    """

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
