"""What an error of the operating system's means, in an error of ours."""

from __future__ import annotations

import errno

from catalog.errors import (
    AccessDenied,
    ResourceNotFound,
    StorageError,
    StorageFailed,
    StorageFull,
)


def translated(error: OSError, path: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return the error of ours that says what this one does."""
    if isinstance(error, StorageError):
        return error
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        return ResourceNotFound(f"{path!r} does not exist", path=path)
    if isinstance(error, PermissionError):
        return AccessDenied(f"{path!r}: {reason}", path=path)
    if isinstance(error, NotADirectoryError):
        return ResourceNotFound(f"{path!r}: a part of its path is a file", path=path)
    if isinstance(error, IsADirectoryError | FileExistsError):
        return StorageError(
            f"{path!r} is already there as a folder, or its folder as a file", path=path
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"{path!r}: {reason}", path=path)
    failure = StorageFailed(f"{path!r}: {reason}", path=path)
    failure.errno = error.errno
    return failure
