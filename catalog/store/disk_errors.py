"""Errors for a full disk and for a read-only one.

Reading goes on where possible: the catalog itself is not damaged.

>>> type(disk_error(OSError(errno.ENOSPC, "No space left on device"))).__name__
'CatalogFull'
>>> disk_error(OSError(errno.ENOENT, "No such file")) is None
True
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

import duckdb

from catalog.errors import CatalogError, CatalogUnavailable

_FULL_ERRNOS = frozenset((errno.ENOSPC, errno.EDQUOT))
_DUCKDB_TEXTS = {  # texts of the system in DuckDB's messages
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "Permission denied": errno.EACCES,
}
READ_ONLY_ERRNOS = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))


class CatalogFull(CatalogUnavailable):
    """The catalog's disk is full; nothing was recorded."""


class CatalogReadOnly(CatalogUnavailable):
    """The catalog cannot be written here, only read."""


def disk_error(error: BaseException) -> CatalogUnavailable | None:
    """Return the disk error behind an error; None if it is something else."""
    if isinstance(error, CatalogError):
        return error if isinstance(error, CatalogFull | CatalogReadOnly) else None
    number = _errno_of(error)
    if number in _FULL_ERRNOS:
        return CatalogFull(
            "the disk of the catalog is full, and nothing was recorded: free some space and try "
            "again"
        )
    if number in READ_ONLY_ERRNOS:
        return CatalogReadOnly(
            "the catalog is read-only here, and nothing was recorded: make its file system and "
            "its files writable for this user"
        )
    return None


@contextmanager
def reporting_disk_errors() -> Generator[None]:
    """Report a full or read-only disk in the block as such.

    Raises:
        CatalogFull: the disk is full.
        CatalogReadOnly: nothing can be written.
    """
    try:
        yield
    except Exception as error:
        found = disk_error(error)
        if found is None:
            raise
        raise found from error


def _errno_of(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    if isinstance(error, duckdb.Error):
        text = str(error)
        return next((number for says, number in _DUCKDB_TEXTS.items() if says in text), None)
    return None
