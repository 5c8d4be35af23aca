"""Error responses: one table from errors to status codes, one JSON shape.

`{"error": {"kind": …, "message": …}, "request_id": …}`: as the command line prints with `--json`,
plus the id to search for in the logs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Send

from catalog.errors import (
    AnswerTimeout,
    CatalogError,
    CatalogTimeout,
    CatalogUnavailable,
    ContentConflict,
    IntegrityError,
    InvalidInput,
    NotRecorded,
    NotSupported,
    PathConflict,
    PlanRefused,
    RepositoryNotFound,
    ResourceChanged,
    ResourceNotFound,
    StorageBusy,
    StorageError,
    StorageFull,
    TransferTimeout,
)
from catalog.store.disk_errors import CatalogFull, CatalogReadOnly
from gateway.http.request_id import request_id as current_request_id

LOG = logging.getLogger("entrepot.gateway")


class ProfileUnderWay(CatalogError, RuntimeError):
    """Another profile is running."""


STATUSES: tuple[tuple[type[CatalogError], int], ...] = (  # the first that fits
    (ContentConflict, 409),
    (PathConflict, 409),
    (InvalidInput, 400),
    (RepositoryNotFound, 404),
    (NotRecorded, 404),
    (PlanRefused, 409),
    (ProfileUnderWay, 409),
    (CatalogFull, 507),
    (CatalogTimeout, 503),
    (CatalogUnavailable, 503),
    (ResourceNotFound, 404),
    (IntegrityError, 400),
    (ResourceChanged, 409),
    (NotSupported, 409),
    (StorageFull, 507),
    (StorageBusy, 503),
    (TransferTimeout, 504),
    (StorageError, 502),
)
PUBLIC_ERRORS = (
    *(InvalidInput, RepositoryNotFound, NotRecorded, PlanRefused, IntegrityError),
    *(AnswerTimeout, ProfileUnderWay, CatalogFull, CatalogReadOnly),
)
"""Errors whose message may be sent to the caller; storage errors may contain internal names."""
GENERIC = {
    404: "the file does not exist",
    409: "the file has changed, or does not support this operation",
    500: "internal error: search the gateway's log for this request id",
    502: "the file's storage failed or cannot be reached",
    503: "temporarily unavailable: try again in a moment",
    504: "the file's storage did not respond in time",
    507: "there is not enough space for the file",
}


class RequestRefused(CatalogError):
    """The gateway refuses a request, with an HTTP status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "Refused",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Set the HTTP `status` and the message."""
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers or {}


def status_of(error: CatalogError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RequestRefused):
        return error.status
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def message_of(error: CatalogError) -> str:
    """Return the message for the caller."""
    if isinstance(error, (*PUBLIC_ERRORS, RequestRefused)):
        return str(error)
    return GENERIC.get(status_of(error), GENERIC[500])


def error_response(error: CatalogError, request_id: str | None = None) -> JSONResponse:
    """Return the response to an error, and log what it leaves out."""
    status = status_of(error)
    if status >= 500 or not isinstance(error, (*PUBLIC_ERRORS, RequestRefused)):
        LOG.warning("%s: %s", type(error).__name__, error)
    headers = dict(error.headers) if isinstance(error, RequestRefused) else {}
    if isinstance(error, StorageBusy) and error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    kind = error.kind if isinstance(error, RequestRefused) else type(error).__name__
    return JSONResponse(error_json(kind, message_of(error), request_id), status, headers=headers)


def error_json(kind: str, message: str, request_id: str | None = None) -> dict[str, Any]:
    """Return the JSON of an error."""
    content: dict[str, Any] = {"error": {"kind": kind, "message": message}}
    if request_id is not None:
        content["request_id"] = request_id
    return content


async def send_error(
    send: Send, status: int, kind: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send an error as the whole response, from ASGI middleware."""
    content = {**error_json(kind, message), "request_id": current_request_id()}
    body = json.dumps(content).encode()
    common = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": [*common, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
