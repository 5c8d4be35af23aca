"""Resources that a repository lists but does not store, and files that are elsewhere too.

>>> catalog.origins.get("s3://bucket", "models/a.bin")          # doctest: +SKIP
Origin(path='models/a.bin', policy='on_demand', ...)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.catalog_file import CatalogFile
from catalog.model.fingerprint import Fingerprint
from catalog.model.version import Origin, OtherCopy, ReclaimCandidate
from catalog.store import statements
from catalog.store.keys import path_key
from catalog.store.parquet import export_rows, read_exported_rows


class Origins:
    """Where to fetch the bytes that a repository does not store."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def all(self, address: str) -> Iterator[Origin]:
        """Return what a repository lists but does not store, with its origin, in path order."""
        copy = self._file.temporary_file("origins")
        with self._file.connect_flushed() as connection:
            query = statements.load_sql("files/origins")
            export_rows(connection, copy, query, repository=self._file.key(address), nkey=None)
        return (Origin(*row) for row in read_exported_rows(copy))

    def get(self, address: str, path: str) -> Origin | None:
        """Return where to fetch a resource that its repository lists but does not store."""
        with self._file.connect_flushed() as connection:
            values = {
                "repository": self._file.key(address),
                "nkey": path_key(self._file.tenant, path),
            }
            rows = statements.fetch_rows(connection, statements.load_sql("files/origins"), **values)
        return Origin(*rows[0]) if rows else None

    def count(self, address: str) -> int:
        """Count the resources that a repository lists but does not store."""
        with self._file.connect_flushed() as connection:
            query = "SELECT count(*) FROM origins WHERE repository = $repository::UUID"
            count: int = statements.fetch_rows(
                connection, query, repository=self._file.key(address)
            )[0][0]
        return count

    def reclaim_candidates(
        self, address: str, reclaimed: Sequence[str], kept: Sequence[tuple[str, int]] = ()
    ) -> Iterator[ReclaimCandidate]:
        """Return the files of a repository whose bytes are known to be elsewhere too, by path.

        Locations in the repositories `reclaimed` do not count. Files in one of the versions `kept`
        (address, number) are left out.
        """
        copy = self._file.temporary_file("spare")
        with self._file.connect_flushed() as connection:
            export_rows(
                connection,
                copy,
                statements.load_sql("files/reclaim_candidates"),
                repository=self._file.key(address),
                tenant=self._file.tenant,
                excluded=list(reclaimed),
                kept=[self._file.key(one) for one, _ in kept],
                numbers=[number for _, number in kept],
            )
        for path, size, etag, modified_us, digest, places in read_exported_rows(copy):
            copies = (
                OtherCopy(
                    place["address"],
                    place["path"],
                    Fingerprint(digest, size, place["etag"], place["modified_us"]),
                )
                for place in places
            )
            yield ReclaimCandidate(
                path, Fingerprint(digest, size, etag, modified_us), tuple(copies)
            )
