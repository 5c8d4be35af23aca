"""The gateway as an ASGI application: resources, repositories, content, health and metrics.

app = create_app(config.load(Path("gateway.yaml")), Settings())
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.errors import CatalogError
from catalog.settings import Settings
from catalog.store.disk_errors import disk_error
from gateway.access.catalog_availability import CatalogAvailability
from gateway.access.context import Gateway
from gateway.api.openapi import describe
from gateway.config import GatewayConfig
from gateway.content.routes import Content, not_found
from gateway.content.streamer import Streamer
from gateway.http.error_middleware import ErrorResponses
from gateway.http.errors import GENERIC, error_json, error_response
from gateway.http.request_id import RequestIdMiddleware, request_id
from gateway.http.response_headers import ResponseHeaders
from gateway.limits.deadline import RequestDeadline
from gateway.limits.middleware import RequestLimits
from gateway.limits.request_validation import RequestValidation
from gateway.limits.rules import ConcurrencyLimit, HeadLimit, RateLimit
from gateway.ops.access_log import AccessLog
from gateway.ops.health import Readiness, health_routes
from gateway.ops.metrics import MetricsMiddleware, metrics_app
from gateway.ops.request_meter import client_of
from gateway.routers import ROUTERS

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
POOL = 1000  # threads for routes, at most; `gateway.limits.slots` limits those of each tenant
SUMMARY = "Named, versioned resources; repositories and their versions; streamed content."
UPLOADS = re.compile(r"/v1/[^/]+/(resources/(upload/.*|uploads/[^/]+)|artifacts/upload)", re.DOTALL)


class Application:
    """The routes and the middleware in front of them; `gateway` is their shared state."""

    def __init__(self, gateway: Gateway) -> None:
        """Assemble the application; the outermost middleware is last."""
        self.gateway = gateway
        self.streamer = Streamer(gateway)
        self.api = _api(gateway, self.streamer)
        self._content = ServerErrorMiddleware(
            ErrorResponses(
                Router(
                    Content(gateway, self.streamer).routes(),
                    redirect_slashes=False,
                    default=not_found,
                )
            ),
            _handle_unexpected_error,
        )
        limits = gateway.config.limits
        rate = limits.requests_per_s
        app: ASGIApp = RequestLimits(
            RequestDeadline(CatalogAvailability(self._route, gateway), limits.question_s),
            head=HeadLimit(limits.head_bytes),
            body=self._body_limit,
            rate=None if rate is None else RateLimit(rate, limits.burst),
            caller=client_of,
            under_way=ConcurrencyLimit(limits.under_way),
            idle_s=limits.body_idle_s,
        )
        app = MetricsMiddleware(ResponseHeaders(RequestValidation(app)), gateway.metrics)
        app = AccessLog(app)
        self._app: ASGIApp = RequestIdMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or a lifespan event."""
        await self._app(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route content, the most frequent requests, past FastAPI's overhead."""
        content = scope["type"] == "http" and scope["path"].startswith("/content/")
        await (self._content if content else self.api)(scope, receive, send)

    def _body_limit(self, scope: Scope) -> int | None:
        limits = self.gateway.config.limits
        upload = UPLOADS.fullmatch(scope["path"])
        return limits.upload_bytes if upload else limits.body_bytes


def create_app(config: GatewayConfig, settings: Settings, *, local: bool = True) -> Application:
    """Return the application; nothing is opened before it is started.

    `local`: only this machine can reach it; without tokens every request has full access.
    """
    return Application(Gateway(config, settings, local=local))


def _api(gateway: Gateway, streamer: Streamer) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        to_thread.current_default_thread_limiter().total_tokens = POOL
        await gateway.run_in_thread(gateway.start)
        yield
        await gateway.run_in_thread(streamer.close)
        gateway.close()

    api = FastAPI(
        title="Entrepot",
        summary=SUMMARY,
        version=version("entrepot"),
        lifespan=lifespan,
        docs_url=None,  # the page would load scripts from another host
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    api.state.gateway = gateway
    api.add_exception_handler(CatalogError, _handle_catalog_error)
    api.add_exception_handler(OSError, _handle_os_error)
    api.add_exception_handler(RequestValidationError, _handle_invalid_request)
    api.add_exception_handler(HTTPException, _handle_http_error)
    api.add_exception_handler(Exception, _handle_unexpected_error)
    for router in ROUTERS:
        api.include_router(router)
    api.router.routes.extend(health_routes(Readiness(gateway.catalog, gateway.draining)))
    api.router.routes.append(
        Route(
            "/metrics", metrics_app(gateway.metrics.registry, gateway.authenticator.visible_tenants)
        )
    )
    describe(api)
    return api


async def _handle_catalog_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, CatalogError):
        raise error
    return error_response(error, request_id())


async def _handle_os_error(_: Request, error: Exception) -> JSONResponse:
    """Handle a full or read-only disk, when writing claims, chunks or keys next to the catalog."""
    found = disk_error(error)
    if found is None:
        raise error
    return error_response(found, request_id())


async def _handle_unexpected_error(_: Request, error: Exception) -> JSONResponse:
    """Handle an unexpected exception; the server logs its traceback."""
    del error
    return JSONResponse(error_json("InternalError", GENERIC[500], request_id()), 500)


async def _handle_invalid_request(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    content = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return JSONResponse(error_json("InvalidInput", content, request_id()), 422)


async def _handle_http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    kind = {404: "NotFound", 405: "MethodNotAllowed"}.get(error.status_code, "Refused")
    content = error_json(kind, str(error.detail), request_id())
    return JSONResponse(content, error.status_code, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Return all methods of a path, which several routes may share."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
