"""Translates errors of botocore and s3fs into ours."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from catalog.errors import (
    AccessDenied,
    Archived,
    ConnectionFailed,
    ResourceChanged,
    ResourceNotFound,
    StorageBusy,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)

_BUSY = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
_OF_OBJECTS = {"head_object", "get_object"}
_GONE = {"NoSuchKey", "NoSuchBucket", "NotFound", "404"}


def check_reply(operation: str, reply: dict[str, Any], path: str, where: str) -> dict[str, Any]:
    """Return the store's reply; raise if another page came instead.

    The HTTP library follows a redirect to a login page, which botocore then takes for success: for
    an empty listing, or a removed object. Objects themselves may be HTML.
    """
    headers = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    page = "html" in str(headers.get("content-type", "")) and operation not in _OF_OBJECTS
    if page or (operation == "list_objects_v2" and "IsTruncated" not in reply):
        raise UnexpectedReply(
            f"{where}: {path!r}: the reply is not from an S3 store, but perhaps a login page: "
            "check the endpoint",
            path=path,
        )
    return reply


def translate_s3_error(error: BaseException, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return our error for `error`, or for the client error it was raised from."""
    if isinstance(error, StorageError):
        return error
    client = error if isinstance(error, ClientError) else error.__cause__
    if isinstance(client, ClientError):
        return _client_error(client, path, where)
    if isinstance(error, NoCredentialsError):
        return AccessDenied(
            f"{where}: no credentials are set and none were found in the environment", path=path
        )
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError | TimeoutError):
        return TransferTimeout(f"{where}: {path!r}: timed out", path=path)
    if isinstance(error, FileNotFoundError):
        return ResourceNotFound(f"{where} has no {path!r}", path=path)
    if isinstance(error, PermissionError):
        return AccessDenied(f"{where} refuses access to {path!r}", path=path)
    if isinstance(error, BotoConnectionError | HTTPClientError | OSError):
        return ConnectionFailed(f"{where}: {path!r}: the connection failed", path=path)
    return UnexpectedReply(f"{where}: {path!r}: {type(error).__name__}", path=path)


def _client_error(error: ClientError, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    reply: dict[str, Any] = dict(error.response)
    code = str(reply.get("Error", {}).get("Code", ""))
    status = int(reply.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) or None
    message = f"{where}: {path!r}: {code or 'error'} (HTTP status {status})"
    if code == "NoSuchBucket":
        return ResourceNotFound(f"{where}: the bucket does not exist", path=path, status=status)
    if code in _GONE or status == 404:
        return ResourceNotFound(f"{where} has no {path!r}", path=path, status=status)
    if code == "InvalidObjectState":
        return Archived(path, where, str(reply.get("Error", {}).get("StorageClass", "")))
    if status in (401, 403):
        return AccessDenied(f"{where} refuses access: {code}", path=path, status=status)
    if status == 412 or code == "PreconditionFailed":
        return ResourceChanged(f"{where}: {path!r} changed since it was planned", path=path)
    if code in _BUSY or status in (429, 503):
        return StorageBusy(f"{message}: the server asks to slow down", path=path, status=status)
    if status is not None and status >= 500:
        return StorageFailed(message, path=path, status=status)
    return UnexpectedReply(message, path=path, status=status)
