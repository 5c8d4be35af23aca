"""The gateway as an ASGI application: resources, repositories, content, and what operators ask.

app = create_app(config.load(Path("gateway.yaml")), Settings())
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.errors import CatalogError
from catalog.settings import Settings
from gateway.access_log import AccessLog
from gateway.config import GatewayConfig
from gateway.content import Content, nothing_there
from gateway.context import Gateway
from gateway.correlation import Correlation, request_id
from gateway.cut import Answering
from gateway.exchange import client_of
from gateway.health import Readiness, health_routes
from gateway.limiting import Limiting
from gateway.limits import HeadLimit, RateLimit, UnderWay
from gateway.metrics import MetricsMiddleware, metrics_app
from gateway.openapi import describe
from gateway.replies import GENERIC, body, reply
from gateway.routers import ROUTERS
from gateway.streamer import Streamer

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
SUMMARY = "Named, versioned resources; repositories and their versions; their content, streamed."
UPLOADS = re.compile(r"/v1/[^/]+/(resources/(upload/.*|uploads/[^/]+)|artifacts/upload)", re.DOTALL)


class Application:
    """The routes and all that stands before them; `gateway` is what they share."""

    def __init__(self, gateway: Gateway) -> None:
        """Put it together, outermost last."""
        self.gateway = gateway
        self.streamer = Streamer(gateway)
        self.api = _api(gateway, self.streamer)
        self._content = ServerErrorMiddleware(
            Answering(
                Router(
                    Content(gateway, self.streamer).routes(),
                    redirect_slashes=False,
                    default=nothing_there,
                )
            ),
            _failed,
        )
        limits = gateway.config.limits
        rate = limits.requests_per_s
        app: ASGIApp = Limiting(
            self._routed,
            head=HeadLimit(limits.head_bytes),
            body=self._largest_body,
            rate=None if rate is None else RateLimit(rate, limits.burst),
            caller=client_of,
            under_way=UnderWay(limits.under_way),
        )
        app = MetricsMiddleware(app, gateway.metrics)
        app = AccessLog(app)
        self._app: ASGIApp = Correlation(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in start and end."""
        await self._app(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let content pay for no more than it needs: it is what is asked for most."""
        content = scope["type"] == "http" and scope["path"].startswith("/content/")
        await (self._content if content else self.api)(scope, receive, send)

    def _largest_body(self, scope: Scope) -> int | None:
        limits = self.gateway.config.limits
        upload = UPLOADS.fullmatch(scope["path"])
        return limits.upload_bytes if upload else limits.body_bytes


def create_app(config: GatewayConfig, settings: Settings) -> Application:
    """Return the application; nothing is opened before the first request."""
    return Application(Gateway(config, settings))


def _api(gateway: Gateway, streamer: Streamer) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await gateway.thread(streamer.close)
        gateway.close()

    api = FastAPI(
        title="Entrepot",
        summary=SUMMARY,
        version=version("entrepot"),
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from another host
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    api.state.gateway = gateway
    api.add_exception_handler(CatalogError, _refused)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, _failed)
    for router in ROUTERS:
        api.include_router(router)
    api.router.routes.extend(health_routes(Readiness(gateway.catalog, gateway.draining)))
    api.router.routes.append(Route("/metrics", metrics_app(gateway.metrics.registry)))
    describe(api)
    return api


async def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, CatalogError):
        raise error
    return reply(error, request_id())


async def _failed(_: Request, error: Exception) -> JSONResponse:
    """Answer a failure that nobody foresaw; the server logs it with its stack."""
    del error
    return JSONResponse(body("InternalError", GENERIC[500], request_id()), 500)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return JSONResponse(body("InvalidInput", told, request_id()), 422)


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    kind = {404: "NotFound", 405: "MethodNotAllowed"}.get(error.status_code, "Refused")
    told = body(kind, str(error.detail), request_id())
    return JSONResponse(told, error.status_code, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Return every method of a path: several routes may share one."""
    return [
        method
        for method in METHODS
        if any(
            one.matches({**request.scope, "method": method})[0] is Match.FULL
            for one in request.app.routes
        )
    ]
