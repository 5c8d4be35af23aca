"""What each repository stores, by digest, and what of that some version needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.catalog_file import CatalogFile
from catalog.inbox.spool import Listing, page_files
from catalog.model.version import Location
from catalog.queries.read_versions import read_location, read_locations
from catalog.store import statements
from catalog.store.keys import path_key
from catalog.store.parquet import export_rows, read_exported_rows

MAX_NAMED = 100  # paths of an answer


@dataclass(frozen=True, slots=True)
class Holding:
    """One path of a repository with recorded bytes; the digest is sha256 in hex."""

    path: str
    digest: str
    size: int | None
    etag: str | None = None


class Holdings:
    """What each repository stores."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def all(self, address: str) -> Iterator[Holding]:
        """Return every path that a repository is recorded to store, in path order."""
        return (Holding(*row) for row in self._rows("files/holdings", address))

    def needed(self, address: str) -> Iterator[str]:
        """Return each digest that a version of a repository needs or that is recorded there."""
        return (str(digest) for (digest,) in self._rows("files/needed_digests", address))

    def etags(self, address: str) -> Iterator[tuple[str, str]]:
        """Return each path with each etag that a version needs or that is recorded there."""
        return (
            (str(path), str(etag)) for path, etag in self._rows("files/needed_numbers", address)
        )

    def sum_of_numbers(self, address: str, number: int) -> int:
        """Return the sum of a version's etags, which must be numbers.

        It grows whenever equal bytes are stored again, which creates no version.
        """
        with self._file.connect_flushed() as connection:
            values = {"repository": self._file.key(address), "number": number}
            rows = statements.fetch_rows(
                connection, statements.load_sql("files/sum_of_numbers"), **values
            )
        return int(rows[0][0])

    def missing(self, address: str, number: int) -> list[str]:
        """Return some paths of a version whose bytes are not recorded to be there."""
        with self._file.connect_flushed() as connection:
            values = {"repository": self._file.key(address), "number": number, "limit": MAX_NAMED}
            rows = statements.fetch_rows(
                connection, statements.load_sql("files/paths_without_bytes"), **values
            )
        return [str(path) for (path,) in rows]

    def holders(self, address: str, number: int) -> list[str]:
        """Return the addresses known to store bytes of a version, those with most first."""
        with self._file.connect_flushed() as connection:
            values = {
                "repository": self._file.key(address),
                "number": number,
                "tenant": self._file.tenant,
            }
            rows = statements.fetch_rows(
                connection, statements.load_sql("files/repositories_with_bytes"), **values
            )
        return [str(holder) for (holder,) in rows]

    def orphans(
        self, address: str, history: str, listing: Listing, before: datetime
    ) -> Iterator[tuple[str, int | None]]:
        """Return path and size of the files in a repository's history that no version needs.

        `listing` is a fresh listing of the history at the address `history`; files kept since
        `before` are left out.
        """
        copy = self._file.temporary_file("orphans")
        with self._file.connect_flushed() as connection:
            export_rows(
                connection,
                copy,
                statements.load_sql("files/unneeded_history"),
                repository=self._file.key(address),
                history=self._file.key(history),
                tenant=self._file.tenant,
                before=before.astimezone(UTC).replace(tzinfo=None),
                files=page_files(self._file.folder / "spool", listing.listing_id),
            )
        return ((path, size) for path, size in read_exported_rows(copy))

    def locations(self, digest: str) -> list[Location]:
        """Return all known locations of the bytes with a sha256 (hex)."""
        with self._file.connect_flushed() as connection:
            return read_locations(connection, self._file.tenant, digest.removeprefix("sha256:"))

    def location(self, address: str, path: str) -> Location | None:
        """Return what a repository is known to store at a path."""
        with self._file.connect_flushed() as connection:
            key = path_key(self._file.tenant, path)
            return read_location(connection, self._file.key(address), key)

    def _rows(self, name: str, address: str) -> Iterator[statements.Row]:
        copy = self._file.temporary_file(Path(name).name)
        with self._file.connect_flushed() as connection:
            export_rows(
                connection, copy, statements.load_sql(name), repository=self._file.key(address)
            )
        return read_exported_rows(copy)
