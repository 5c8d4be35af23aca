"""The answer to every error: one table from errors to status codes, one JSON shape."""

from __future__ import annotations

import logging
from typing import Any

from starlette.responses import JSONResponse

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

LOG = logging.getLogger("entrepot.gateway")


class ProfileUnderWay(CatalogError, RuntimeError):
    """Somebody else takes a profile."""


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
TOLD = (
    *(InvalidInput, RepositoryNotFound, NotRecorded, PlanRefused, IntegrityError),
    *(AnswerTimeout, ProfileUnderWay, CatalogFull, CatalogReadOnly),
)
"""Errors whose text is the caller's own business; what storages say may name what is not."""
GENERIC = {
    404: "there is no such file",
    409: "the file is not what it was, or cannot be had like this",
    500: "the gateway failed; its log tells more under this request id",
    502: "the storage of this file failed, or cannot be reached",
    503: "try again in a moment",
    504: "the storage of this file did not answer in time",
    507: "there is no room for the file",
}


class Refused(CatalogError):
    """A request that the gateway itself refuses, with its status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "Refused",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Name the HTTP `status` and what is wrong."""
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers or {}


def status_of(error: CatalogError) -> int:
    """Return the status of an error."""
    if isinstance(error, Refused):
        return error.status
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def message_of(error: CatalogError) -> str:
    """Return what a caller is told of an error."""
    if isinstance(error, (*TOLD, Refused)):
        return str(error)
    return GENERIC.get(status_of(error), GENERIC[500])


def reply(error: CatalogError, request_id: str | None = None) -> JSONResponse:
    """Return the reply to an error, and log what the reply does not tell."""
    status = status_of(error)
    if status >= 500 or not isinstance(error, (*TOLD, Refused)):
        LOG.warning("%s: %s", type(error).__name__, error)
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    if isinstance(error, StorageBusy) and error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    kind = error.kind if isinstance(error, Refused) else type(error).__name__
    return JSONResponse(body(kind, message_of(error), request_id), status, headers=headers)


def body(kind: str, message: str, request_id: str | None = None) -> dict[str, Any]:
    """Return the JSON of an error."""
    told: dict[str, Any] = {"error": {"kind": kind, "message": message}}
    if request_id is not None:
        told["request_id"] = request_id
    return told
