"""The versions of repositories, their content, and the differences between them.

>>> catalog.versions.content_at("s3://bucket", datetime(2026, 3, 3))     # doctest: +SKIP
>>> catalog.versions.all("s3://bucket", VersionFilter(path="a/b"))       # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import cast

from catalog.catalog_file import CatalogFile
from catalog.errors import InvalidInput
from catalog.filters.versions import ALL_VERSIONS, Span, VersionFilter
from catalog.glob import globs_to_regex
from catalog.inbox.spool import Listing
from catalog.model.diff import DiffCounts, DiffRow
from catalog.model.finding import Fault, Finding
from catalog.model.version import ContentRow, Sizes, Version
from catalog.queries import read_plans
from catalog.queries import read_versions as reading
from catalog.queries.drift import write_drift
from catalog.queries.paging import (
    EVERY_PATH,
    FIRST_PAGE,
    ContentFilter,
    Page,
    PageRequest,
    make_page,
)
from catalog.queries.read_versions import read_arrivals
from catalog.rules.freshness import Arrivals, Objective
from catalog.store import statements
from catalog.store.diff_queries import diff_query
from catalog.store.parquet import export_rows, read_exported_rows
from catalog.store.query_budget import QueryAuthor


class Versions:
    """The versions of every repository of a catalog."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def all(self, address: str, where: VersionFilter = ALL_VERSIONS) -> list[Version]:
        """Return the versions of a repository, the lowest number first."""
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            return reading.read_versions(connection, self._file.tenant, key, address, where)

    def count_arrivals(self, address: str, objective: Objective, now: datetime) -> Arrivals:
        """Count the files in the latest version of a repository that an objective is about.

        Raises:
            RepositoryNotFound: the catalog does not know the repository.
        """
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            reading.first_seen(connection, key, address)
            return read_arrivals(connection, key, objective, now)

    def latest(self, address: str) -> Version:
        """Return the latest version of a repository."""
        return self._version(address, None)

    def get(self, address: str, number: int) -> Version:
        """Return one version of a repository."""
        return self._version(address, number)

    def at(self, address: str, moment: datetime) -> Version:
        """Return the version that was the latest at a moment; without a zone it is UTC.

        Raises:
            RepositoryNotFound: the catalog had not seen the repository by then.
            NotRecorded: the versions of that time were deleted.
        """
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            return reading.read_version_at(connection, self._file.tenant, key, address, moment)

    def choose(
        self, address: str, number: int | None = None, at: datetime | None = None
    ) -> Version:
        """Return the version with a number, or at a moment, or else the latest.

        Raises:
            InvalidInput: both were given.
            NotRecorded: there is no such version.
        """
        if number is not None and at is not None:
            raise InvalidInput("a version is chosen by its number or by a time, found both")
        return self._version(address, number) if at is None else self.at(address, at)

    def content(self, address: str, number: int | None = None) -> Iterator[ContentRow]:
        """Return the resources of a version, the latest by default, in path order."""
        copy = self._file.temporary_file("content")
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            version = reading.read_version(connection, key, address, number)
            query = statements.load_sql("versions/content")
            export_rows(connection, copy, query, repository=key, number=version.number)
        return (ContentRow(*row) for row in read_exported_rows(copy))

    def content_at(self, address: str, moment: datetime) -> Iterator[ContentRow]:
        """Return the content of a repository at a moment, in path order; see `at`."""
        return self.content(address, self.at(address, moment).number)

    def diff(self, address: str, old: int, new: int) -> Iterator[DiffRow]:
        """Return the paths whose bytes differ from version `old` to version `new`, in path order.

        Digests are compared if both are known, else sizes, etags or times. So a file that was
        written again with equal bytes does not differ.
        """
        copy = self._file.temporary_file("diff")
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            for number in (old, new):
                reading.read_version(connection, key, address, number)
            export_rows(connection, copy, diff_query(), repository=key, old=old, new=new)
        return map(DiffRow.from_row, read_exported_rows(copy))

    def diff_counts(self, address: str, old: int, new: int) -> DiffCounts:
        """Count the rows that `diff` would return."""
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            for number in (old, new):
                reading.read_version(connection, key, address, number)
            return reading.read_diff_counts(connection, key, old, new)

    def drift(
        self, address: str, number: int, listing: Listing, *, match_etags: bool
    ) -> Iterator[Finding]:
        """Return the paths at which a fresh listing differs from a version, in path order.

        `match_etags`: the storage's etags follow the content; else times are compared.
        """
        copy = self._file.temporary_file("drift")
        spool = self._file.folder / "spool"
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            reading.read_version(connection, key, address, number)
            values = {"repository": key, "number": number, "tenant": self._file.tenant}
            write_drift(connection, copy, spool, listing, match_etags=match_etags, **values)
        return (
            Finding(path, Fault(fault), *rest) for path, fault, *rest in read_exported_rows(copy)
        )

    def sizes(self, address: str, number: int | None = None) -> Sizes:
        """Return the sizes of a version of a repository, the latest by default."""
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            version = reading.read_version(connection, key, address, number)
            return reading.read_sizes(connection, key, version.number)

    def latest_of(self, addresses: Collection[str]) -> dict[str, Version]:
        """Return the latest version of each address that has one, without labels."""
        query = statements.load_sql("versions/latest_page")
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection, query, tenant=self._file.tenant, addresses=list(addresses)
            )
        return {
            address: Version(address, number, base, statements.as_utc(created_at), *rest)
            for address, number, base, created_at, *rest in rows
        }

    def content_page(
        self,
        address: str,
        number: int,
        where: ContentFilter = EVERY_PATH,
        request: PageRequest = FIRST_PAGE,
    ) -> Page[ContentRow]:
        """Return a page of a version's content, in path order."""
        (after,) = request.cursor_keys(str)
        pattern = globs_to_regex([where.glob]) if where.glob else None
        author = QueryAuthor.CALLERS if where.glob else QueryAuthor.OURS
        with self._file.connect_flushed(author=author) as connection:
            key = self._file.key(address)
            reading.read_version(connection, key, address, number)
            rows = statements.fetch_rows(
                connection,
                statements.load_sql("versions/content_page"),
                repository=key,
                number=number,
                prefix=where.prefix,
                pattern=pattern,
                after=after,
                count=request.count + 1,
            )
        return make_page([(ContentRow(*row), (row[0],)) for row in rows], request)

    def diff_page(
        self, address: str, old: int, new: int, request: PageRequest = FIRST_PAGE
    ) -> Page[DiffRow]:
        """Return a page of the rows of `diff`."""
        (after,) = request.cursor_keys(str)
        query = (
            f"SELECT * FROM ({diff_query()}) WHERE $after IS NULL OR path > $after"  # noqa: S608  # ours
            " ORDER BY path LIMIT $count"
        )
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            for number in (old, new):
                reading.read_version(connection, key, address, number)
            values = {"repository": key, "old": old, "new": new}
            rows = statements.fetch_rows(
                connection, query, after=after, count=request.count + 1, **values
            )
        return make_page([(DiffRow.from_row(row), (row[0],)) for row in rows], request)

    def latest_number(self, address: str) -> int | None:
        """Return the number of a repository's latest version; None if it is unknown."""
        query = "SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID"
        with self._file.connect_flushed() as connection:
            found: int | None = statements.fetch_rows(
                connection, query, repository=self._file.key(address)
            )[0][0]
        return found

    def highest_number(self, address: str) -> int:
        """Return the highest version number that a repository ever had."""
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection,
                "SELECT max(number) FROM (SELECT number, repository FROM repository_versions"
                " UNION ALL SELECT highest, repository FROM histories)"
                " WHERE repository = $repository::UUID",
                repository=self._file.key(address),
            )
        return int(rows[0][0] or 0)

    def record_listing(
        self,
        repository: str,
        listing: Listing,
        *,
        run_id: str | None = None,
        label: str | None = None,
    ) -> Version:
        """Record a full listing; return its version, a new one if anything changed."""
        body = {"repository": repository, "listing": listing.listing_id}
        result = self._file.submit_and_wait("listing", {**body, "run_id": run_id, "label": label})
        return self._version_holding(repository, cast("int", result["number"]))

    def record(
        self, run_id: str, plan_id: str, *, allow_partial: bool = False
    ) -> tuple[Version | None, ...]:
        """Create the next version of each target of a plan; None if nothing changed.

        A target with failed or unfinished items gets None too, unless `allow_partial`.
        """
        result = self._file.submit_and_wait(
            "version", {"run_id": run_id, "plan_id": plan_id, "allow_partial": allow_partial}
        )
        with self._file.connect() as connection:
            targets = read_plans.read_plan(connection, self._file.tenant, plan_id).tallies
        return tuple(
            None if number is None else self._version_holding(target.address, number)
            for target, number in zip(
                targets, cast("list[int | None]", result["numbers"]), strict=True
            )
        )

    def delete(self, address: str, number: int) -> bool:
        """Delete a version; say whether it still existed. Its number is never used again.

        Its changes move into the next version, so that every other version keeps its exact
        content. If it is the latest, its changes are gone from the history, and the version
        before it is the latest. No file is touched, and the catalog still knows what a destination
        stores: the next sync copies nothing again and lists what it keeps. What the deleted
        version had removed is listed again until a sync copies it back. The next listing of a
        source restores its content.

        Raises:
            NotRecorded: there never was such a version.
            InvalidInput: it is protected, or the only version.
        """
        body = {"repository": address, "number": number}
        return bool(self._file.submit_and_wait("squash", body)["deleted"])

    def label(self, address: str, number: int, labels: Mapping[str, str | None]) -> Version:
        """Set labels of a version; None removes one, others stay."""
        body = {"repository": address, "number": number, "labels": dict(labels)}
        self._file.submit_and_wait("label", body)
        return self._version(address, number)

    def _version(self, address: str, number: int | None) -> Version:
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            return reading.read_version(connection, key, address, number)

    def _version_holding(self, address: str, number: int) -> Version:
        # The version just created, or the one that it was squashed into meanwhile.
        versions = self.all(address, VersionFilter(numbers=Span(first=number)))
        return versions[0] if versions else self.latest(address)
