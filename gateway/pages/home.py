"""Pages without a tenant: the start page, the style sheet, and missing pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.responses import RedirectResponse, Response

from gateway.access.context import Gateway
from gateway.pages.rendering import HERE, PageRoute, address, error_page, page

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/", response_class=Response)
def home(request: Request, tenant: Annotated[str, Query(max_length=63)] = "") -> Response:
    """Redirect to the tenant: the only one, or the given one."""
    gateway: Gateway = request.app.state.gateway
    every = [one.name for one in gateway.tenants]
    wanted = tenant or (every[0] if len(every) == 1 else "")
    if wanted:
        return RedirectResponse(address("browse", wanted, ""), 303)
    return page("home.html", tenant=None)


@router.get("/browse/style.css", response_class=Response)
def style() -> Response:
    """Send the style sheet."""
    return FileResponse(HERE / "static" / "browse.css", media_type="text/css")


@router.get("/browse/{rest:path}", response_class=Response)
@router.get("/browse", response_class=Response)
def nothing(rest: str = "") -> Response:
    """Respond to missing pages; redirect to a tenant without its trailing slash."""
    if "/" not in rest:
        return RedirectResponse(address("browse", rest, "") if rest else "/", 303)
    return error_page(404, f"there is no page /browse/{rest}", None)
