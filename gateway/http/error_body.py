"""An error as a reply: `{"error": {"kind": …, "message": …}, "request_id": …}`.

It has the shape that the command line prints under `--json`, and the id to look for in the logs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from starlette.types import Send

from gateway.http.request_id import request_id


def error_body(kind: str, message: str) -> bytes:
    """Return the JSON text of an error."""
    told = {"error": {"kind": kind, "message": message}, "request_id": request_id()}
    return json.dumps(told).encode()


async def reply_error(
    send: Send, status: int, kind: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send an error as the whole reply."""
    body = error_body(kind, message)
    common = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": [*common, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
