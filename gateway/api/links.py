"""Signed links over HTTP, which readers can create for people without a token."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import Field

from catalog.paths import check_path
from gateway.access.authorization import RepositoryReader
from gateway.access.signed_links import NOBODY
from gateway.api.repositories import Name
from gateway.api.serializers import Json
from gateway.http.request_models import StrictModel

router = APIRouter(prefix="/v1/{tenant}/repositories", tags=["repositories"])
MAX_S = 30 * 86_400


class LinkRequest(StrictModel):
    """The file and the lifetime of a link."""

    path: str = Field(description="Path of the file.", min_length=1, max_length=4096)
    version: int | None = Field(
        default=None,
        ge=0,
        le=2**53,
        description="Version number; by default the latest at the time of the download.",
    )
    seconds: int = Field(
        default=3600, ge=1, le=MAX_S, description="Lifetime of the link in seconds."
    )


@router.post("/{name}/links", status_code=201)
def link(
    context: RepositoryReader, request: Request, name: Name, body: LinkRequest, response: Response
) -> Json:
    """Create a link to one file that works without a token until it expires."""
    served = context.tenant.served(name)
    at = "" if body.version is None else f"@{body.version}"
    path = f"/content/{context.tenant.name}/{served.name}{at}/{check_path(body.path)}"
    expires = int(time.time()) + body.seconds
    maker = context.caller.token_id or NOBODY
    query = context.gateway.links.load_or_create().sign(path, expires, maker)
    base = str(request.base_url).rstrip("/")
    response.headers["Cache-Control"] = "no-store"
    until = datetime.fromtimestamp(expires, tz=UTC).isoformat()
    return {"url": f"{base}{quote(path, safe='/@')}?{query}", "expires": until}
