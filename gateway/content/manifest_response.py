"""The PULP_MANIFEST of a version, for content and for REST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from catalog.catalog import Catalog
from gateway.access.tenants import ServedRepository
from gateway.http.conditions import ConditionResult, Validators, evaluate
from gateway.http.errors import RequestRefused
from gateway.http.lines import text_lines


def manifest_reply(
    request: Request, catalog: Catalog, served: ServedRepository, number: int
) -> Response:
    """Send a line `path,sha256,size` for each file of a version, or 304 if it is unchanged.

    Raises:
        Refused: a file cannot be listed.
    """
    lacking = catalog.exports.unlisted_path(served.address, number)
    if lacking is not None:
        raise RequestRefused(
            409,
            f"version {number} of {served.name!r} has no manifest: the sha256 or size of "
            f"{lacking!r} is unknown (run `entrepot adopt` to read it), or its name cannot be "
            "written as a line",
            kind="NoManifest",
        )
    # Unique, because no other catalog first saw the repository at that time; versions never change.
    etag = f'"{catalog.repositories.first_seen_us(served.address) or 0:x}-{number}"'
    headers = {"ETag": etag, "X-Entrepot-Version": str(number)}
    verdict = evaluate(request.headers, Validators(etag))
    if verdict is not ConditionResult.SEND:
        return Response(status_code=verdict.value, headers=headers)
    lines = (
        () if request.method == "HEAD" else catalog.exports.manifest_lines(served.address, number)
    )
    return text_lines(lines, headers)
