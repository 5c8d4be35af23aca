"""HTML pages: templates, common headers, and error pages.

Pages contain no scripts, and load nothing from other hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from catalog.errors import CatalogError
from gateway.http.errors import error_response, message_of
from gateway.http.request_id import request_id

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
TITLES = {
    400: "Invalid request",
    401: "Token required",
    403: "Not allowed",
    404: "Not found",
    409: "Conflict",
    422: "Invalid request",
}


def size(count: int | None) -> str:
    """Format a number of bytes.

    >>> size(999), size(1_500_000), size(None)
    ('999 B', '1.4 MiB', 'unknown')
    """
    if count is None:
        return "unknown"
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{count:,} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def number(count: int) -> str:
    """Format a number with thousands separators.

    >>> number(1_500_000)
    '1,500,000'
    """
    return f"{count:,}"


def when(moment: datetime | int | None) -> str:
    """Format a time, or microseconds since 1970, to the second, in UTC.

    >>> when(datetime(2026, 5, 1, 12, 30, tzinfo=UTC)), when(None)
    ('2026-05-01 12:30:00', '')
    """
    if moment is None:
        return ""
    if isinstance(moment, int):
        try:
            moment = datetime.fromtimestamp(moment / 1e6, tz=UTC)
        except (ValueError, OverflowError, OSError):
            return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def address(*parts: str | int, **query: str | int | None) -> str:
    """Return the URL path of a page from its parts, with a query of non-empty values.

    >>> address("browse", "acme", "a b", search="x&y", cursor=None)
    '/browse/acme/a%20b?search=x%26y'
    """
    path = "/" + "/".join(quote(str(part), safe="/@") for part in parts)
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = size
    environment.filters["number"] = number
    environment.filters["when"] = when
    environment.globals["address"] = address
    return environment


TEMPLATES = _environment()


def page(template: str, status: int = 200, /, **values: object) -> HTMLResponse:
    """Render a page."""
    return HTMLResponse(TEMPLATES.get_template(template).render(**values), status)


def error_page(status: int, message: str, tenant: str | None) -> HTMLResponse:
    """Render an error page."""
    title = TITLES.get(status, "Error")
    return page(
        "error.html",
        status,
        tenant=tenant,
        title=title,
        status=status,
        message=message,
        request_id=request_id(),
    )


class PageRoute(APIRoute):
    """A route whose every response is a page, even errors."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of requests."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            tenant = request.path_params.get("tenant")
            try:
                response = await answer(request)
            except CatalogError as error:
                error_reply = error_response(error, request_id())  # it is logged there
                response = error_page(error_reply.status_code, message_of(error), tenant)
                for name in ("www-authenticate", "retry-after"):
                    if name in error_reply.headers:
                        response.headers[name] = error_reply.headers[name]
            except RequestValidationError as error:
                first = error.errors()[0]
                response = error_page(422, f"{first['loc'][-1]}: {first['msg']}", tenant)
            except HTTPException as error:
                response = error_page(error.status_code, str(error.detail), tenant)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle
