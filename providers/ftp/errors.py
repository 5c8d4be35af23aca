"""Our errors for what an FTP server answers."""

from __future__ import annotations

import ssl

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    NotSupported,
    ResourceNotFound,
    StorageBusy,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)

_DENIED = ("denied", "permi", "not allowed", "forbidden", "privilege", "read-only", "read only")
_MISSING = (
    "no such",
    "not found",
    "not exist",
    "n't exist",
    "cannot find",
    "can't find",
    "no file",
)


def is_missing_message(error: BaseException) -> bool:
    """Return whether a 550 reply says in words that the file does not exist.

    Many servers send the same code for a file that may not be read.
    """
    words = str(error).lower()
    return any(one in words for one in _MISSING)


def translate_ftp_error(error: BaseException, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return our error for a reply code or a socket error."""
    context = f"{where}: {path!r}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return UnexpectedReply(f"{where}: the certificate is not trusted", path=path)
    if isinstance(error, TimeoutError):
        return TransferTimeout(f"{context}: timed out", path=path)
    if isinstance(error, OSError | EOFError):
        return ConnectionFailed(f"{context}: the connection failed", path=path)
    text = str(error)
    code, words = text[:3], text.lower()
    if code in ("530", "532", "331", "332"):
        return AccessDenied(f"{where} refuses the login", path=path)
    if code == "421":
        return StorageBusy(f"{context}: the server closes the connection (421)", path=path)
    if code in ("550", "553"):
        if any(one in words for one in _DENIED):
            return AccessDenied(f"{where} refuses access to {path!r}: {text[4:]}", path=path)
        return ResourceNotFound(f"{where} has no {path!r}: {text[4:]}", path=path)
    if code == "501" and ("no such" in words or "not a directory" in words):
        return ResourceNotFound(f"{where} has no {path!r}", path=path)
    if code in ("500", "501", "502", "504"):
        return NotSupported(
            f"{context}: the server does not support the command ({code})", path=path
        )
    if code.startswith("4") or code == "552":
        return StorageFailed(f"{context}: reply {code}", path=path)
    return UnexpectedReply(f"{context}: reply {code!r}", path=path)
