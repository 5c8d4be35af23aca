"""What cannot be written: a disk that is full, a place that is read-only; one error each.

Whoever reads goes on as well as can be: it is nothing that is wrong with what is there.

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
_DUCKDB_TEXTS = {  # what DuckDB puts into its texts, as the system says it
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "Permission denied": errno.EACCES,
}
READ_ONLY_ERRNOS = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))


class CatalogFull(CatalogUnavailable):
    """There is no room left where the catalog lies; nothing was recorded."""


class CatalogReadOnly(CatalogUnavailable):
    """The catalog lies where nothing can be written; it can be read."""


def disk_error(error: BaseException) -> CatalogUnavailable | None:
    """Return what an error says of the place that was written to; None where it is no such one."""
    if isinstance(error, CatalogError):
        return error if isinstance(error, CatalogFull | CatalogReadOnly) else None
    number = _errno_of(error)
    if number in _FULL_ERRNOS:
        return CatalogFull(
            "there is no room left where the catalog lies, and nothing was recorded: free some, "
            "and try again"
        )
    if number in READ_ONLY_ERRNOS:
        return CatalogReadOnly(
            "the catalog is read-only here, and nothing was recorded: its file system is, or its "
            "files are another user's; it can be read until that is changed"
        )
    return None


@contextmanager
def reporting_disk_errors() -> Generator[None]:
    """Say so where what the block writes to is full, or read-only.

    Raises:
        CatalogFull: there is no room.
        CatalogReadOnly: nothing can be written there.
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
