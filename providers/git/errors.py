"""Translates errors of dulwich and urllib3 into ours."""

from __future__ import annotations

import re

import urllib3
from dulwich.errors import GitProtocolError

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    ResourceNotFound,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)

_NO_REPOSITORY = re.compile(r"not appear to be a git repository|[Rr]epository not found")


def protocol_error(  # noqa: PLR0911 - a table
    error: GitProtocolError, where: str
) -> StorageError:
    """Return our error for a failed conversation with the server."""
    cause = error.__cause__
    reason = getattr(cause, "reason", None) or cause
    refused = isinstance(reason, urllib3.exceptions.NewConnectionError)  # subclass of time-outs
    if isinstance(reason, urllib3.exceptions.TimeoutError) and not refused:
        return TransferTimeout(f"{where}: timed out")
    if isinstance(reason, urllib3.exceptions.SSLError):
        return ConnectionFailed(f"{where} cannot be reached over TLS: {reason}")
    if isinstance(reason, urllib3.exceptions.ProxyError):
        return _proxy_error(reason, where)
    if isinstance(cause, urllib3.exceptions.HTTPError):
        return ConnectionFailed(f"{where} cannot be reached: {type(reason).__name__}")
    if _NO_REPOSITORY.search(str(error)):
        return ResourceNotFound(f"there is no git repository at {where}")
    match = re.search(r"http resp (\d{3})", str(error))
    status = int(match[1]) if match else 0
    if status == 403:
        return AccessDenied(f"{where} refuses the login", status=status)
    if status >= 500 or not str(error):
        return StorageFailed(f"{where} failed: {error}", status=status or None)
    return UnexpectedReply(f"{where} answered: {error}", status=status or None)


def _proxy_error(error: urllib3.exceptions.ProxyError, where: str) -> StorageError:
    """Return our error for a proxy's error."""
    if "407" in str(error.original_error):
        return AccessDenied(f"the proxy for {where} refuses the login", status=407)
    return ConnectionFailed(f"the proxy for {where} failed: {error.original_error}")
