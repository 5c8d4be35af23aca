"""Lookup of single paths of a version, for the gateway: the row, and where its bytes are.

>>> catalog.files.find("s3://bucket", 7, "models/a.bin").places  # doctest: +SKIP
(StoredCopy(address='s3://bucket', path='models/a.bin', ...),)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from catalog.catalog_file import CatalogFile
from catalog.filters.versions import to_naive_utc
from catalog.model.version import ContentRow, Origin
from catalog.store import statements
from catalog.store.keys import path_key


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """A recorded location of bytes, with their fingerprint when they were written."""

    address: str
    path: str
    etag: str | None = None
    size: int | None = None
    modified_us: int | None = None


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """One path of one version: its row, where it is stored, and else where to fetch it."""

    row: ContentRow
    version: int
    places: tuple[StoredCopy, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One name in a folder: a file, or a folder with the number of files and bytes below it."""

    name: str
    folder: bool
    files: int
    size: int | None
    modified_us: int | None


class CopySearch(Enum):
    """How far to look for the bytes of a file."""

    NEAR = "near"
    EVERYWHERE = "everywhere"


class Files:
    """The files of every version."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def find(
        self, address: str, number: int, path: str, search: CopySearch = CopySearch.NEAR
    ) -> ResolvedFile | None:
        """Return one path of a version with the locations of its bytes; None if it is missing.

        If the repository itself is recorded to have these bytes at this path, other locations are
        left out, unless `search` asks for them.
        """
        with self._file.connect_flushed() as connection:
            key, nkey = self._file.key(address), path_key(self._file.tenant, path)
            values: dict[str, object] = {"repository": key, "nkey": nkey}
            rows = statements.fetch_rows(
                connection, statements.load_sql("files/row"), number=number, **values
            )
            if not rows:
                return None
            row = ContentRow(*rows[0])
            own = [
                StoredCopy(address, path, etag, size, modified_us)
                for etag, size, modified_us, digest in statements.fetch_rows(
                    connection, statements.load_sql("files/stored"), **values
                )
                if digest == row.digest or (row.digest is None and size in (row.size, None))
            ]
            if own and row.digest is not None and search is CopySearch.NEAR:
                return ResolvedFile(row, number, tuple(own))
            origins = statements.fetch_rows(
                connection, statements.load_sql("files/origins"), **values
            )
            origin = (
                Origin(*origins[0]) if origins and _is_origin_of(row, Origin(*origins[0])) else None
            )
            if row.digest is None:
                places = [] if origin is not None else own
            else:
                query = statements.load_sql("files/nearest_locations")
                more = {"address": address, "tenant": self._file.tenant, "digest": row.digest}
                held = statements.fetch_rows(connection, query, repository=key, **more)
                places = [StoredCopy(*one) for one in held]
        if origin is None and not places:  # a source: it was listed, never written to
            places = [StoredCopy(address, path, row.etag, row.size, row.modified_us)]
        return ResolvedFile(row, number, tuple(places), origin)

    def replaced_since(self, address: str, path: str, since: datetime) -> ResolvedFile | None:
        """Return a path in the last version that had it, if that was current after `since`."""
        with self._file.connect_flushed() as connection:
            values = {
                "repository": self._file.key(address),
                "nkey": path_key(self._file.tenant, path),
            }
            query = statements.load_sql("files/last_version_of")
            rows = statements.fetch_rows(connection, query, since=to_naive_utc(since), **values)
        return self.find(address, int(rows[0][-1]), path) if rows else None

    def folder(
        self, address: str, number: int, prefix: str, *, count: int = 10_000, offset: int = 0
    ) -> list[FolderEntry]:
        """Return the entries of a folder of a version, folders first; '' is the root."""
        below = prefix.rstrip("/") + "/" if prefix else ""
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection,
                statements.load_sql("files/folder"),
                repository=self._file.key(address),
                number=number,
                prefix=below,
                count=count,
                offset=offset,
            )
        return [FolderEntry(*row) for row in rows]


def _is_origin_of(row: ContentRow, origin: Origin) -> bool:
    """Say whether an origin, which belongs to the latest version, matches this row."""
    if row.digest is not None and origin.digest is not None:
        return row.digest == origin.digest
    return row.size == origin.size and (row.etag == origin.etag or row.etag is None)
