"""Translates operating system errors into ours."""

from __future__ import annotations

import errno

from catalog.errors import (
    AccessDenied,
    ResourceNotFound,
    StorageError,
    StorageFailed,
    StorageFull,
)


def translate_os_error(error: OSError, path: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return our error for an `OSError`."""
    if isinstance(error, StorageError):
        return error
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        return ResourceNotFound(f"{path!r} does not exist", path=path)
    if isinstance(error, PermissionError):
        return AccessDenied(f"{path!r}: {reason}", path=path)
    if isinstance(error, NotADirectoryError):
        return ResourceNotFound(f"{path!r}: one of its parent folders is a file", path=path)
    if isinstance(error, IsADirectoryError | FileExistsError):
        return StorageError(
            f"{path!r} exists as a folder, or one of its parent folders exists as a file",
            path=path,
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"{path!r}: {reason}", path=path)
    failure = StorageFailed(f"{path!r}: {reason}", path=path)
    failure.errno = error.errno
    return failure
