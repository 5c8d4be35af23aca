"""The PULP_MANIFEST of a version, the same as content and as a part of the version over REST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from catalog.catalog import Catalog
from gateway.access.tenants import ServedRepository
from gateway.http.conditions import Validators, Verdict, evaluate
from gateway.http.errors import Refused
from gateway.http.lines import text_lines


def manifest_reply(
    request: Request, catalog: Catalog, served: ServedRepository, number: int
) -> Response:
    """Send a line `path,sha256,size` for each file of a version, or say that it is unchanged.

    Raises:
        Refused: a file of it has no such line.
    """
    lacking = catalog.exports.unlisted_path(served.address, number)
    if lacking is not None:
        raise Refused(
            409,
            f"version {number} of {served.name!r} has no manifest: {lacking!r} has no known sha256 "
            "or size, or a name that no line can tell; `entrepot adopt` reads what is unknown",
            kind="NoManifest",
        )
    # No other catalog has seen a repository at the same moment, and no version ever changes.
    etag = f'"{catalog.repositories.first_seen_us(served.address) or 0:x}-{number}"'
    headers = {"ETag": etag, "X-Entrepot-Version": str(number)}
    verdict = evaluate(request.headers, Validators(etag))
    if verdict is not Verdict.SEND:
        return Response(status_code=verdict.value, headers=headers)
    lines = (
        () if request.method == "HEAD" else catalog.exports.manifest_lines(served.address, number)
    )
    return text_lines(lines, headers)
