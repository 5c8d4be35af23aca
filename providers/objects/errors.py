"""Translates obstore's errors into ours."""

from __future__ import annotations

import re

from catalog.errors import (
    AccessDenied,
    Archived,
    ConnectionFailed,
    NotSupported,
    ResourceChanged,
    ResourceNotFound,
    StorageBusy,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)

_ARCHIVED = re.compile(r"InvalidObjectState|BlobArchived|archived", re.IGNORECASE)
_CLASS = re.compile(r"<StorageClass>(\w+)</StorageClass>")
_STATUS = re.compile(r"status code: (\d{3})")


def archive_class(text: str) -> str | None:
    """Return the storage class of an archived object ('' if unknown); None for other errors."""
    if not _ARCHIVED.search(text):
        return None
    found = _CLASS.search(text)
    return found[1] if found else ""


def translate_obstore_error(error: BaseException, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return our error for an obstore error; at most its first line is quoted."""
    if isinstance(error, StorageError):
        return error
    if (archived := archive_class(str(error))) is not None:
        return Archived(path, where, archived)
    text = str(error).partition("\n")[0]
    match = _STATUS.search(text)
    status = int(match[1]) if match else None
    message = f"{where}: {path!r}: " + (f"HTTP status {status}" if status else type(error).__name__)
    if isinstance(error, FileNotFoundError) or status == 404:
        return ResourceNotFound(f"{where} has no {path!r}", path=path, status=status)
    if status in (401, 403):
        return AccessDenied(
            f"{where} refuses access to {path!r}: HTTP status {status}", path=path, status=status
        )
    if status in (409, 412) or "precondition" in text.lower():
        return ResourceChanged(
            f"{where}: {path!r} changed since it was planned", path=path, status=status
        )
    if status in (429, 503):
        return StorageBusy(f"{message}: the server asks to slow down", path=path, status=status)
    if status is not None and status >= 500:
        return StorageFailed(message, path=path, status=status)
    if status is not None:
        return UnexpectedReply(message, path=path, status=status)
    if isinstance(error, NotImplementedError) or "NotSupported" in type(error).__name__:
        return NotSupported(message, path=path)
    if isinstance(error, ValueError):
        return UnexpectedReply(f"{message}: {text}", path=path)
    lowered = text.lower()
    if isinstance(error, TimeoutError) or "timed out" in lowered or "timeout" in lowered:
        return TransferTimeout(f"{where}: {path!r}: timed out", path=path)
    return ConnectionFailed(f"{where}: {path!r}: the connection failed", path=path)
