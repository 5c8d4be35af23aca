"""What may be asked of the versions of a repository: which there are, what they hold, what differs.

>>> catalog.content_at("s3://bucket", datetime(2026, 3, 3))      # doctest: +SKIP
>>> catalog.versions("s3://bucket", VersionFilter(path="a/b"))  # doctest: +SKIP
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from catalog import script
from catalog import version_reading as reading
from catalog.access import Access
from catalog.diff import DiffCounts, DiffRow, diff_query
from catalog.errors import InvalidInput
from catalog.finding import Fault, Finding
from catalog.freshness import Arrived, Objective, read_arrived
from catalog.page import stream_rows, write_rows
from catalog.spool import Listing, parts
from catalog.version import ContentRow, Sizes, Version
from catalog.version_filter import EVERY, Span, VersionFilter


class History(Access):
    """The versions of every repository of a catalog."""

    __slots__ = ()

    def addresses(self) -> list[str]:
        """Return the address of every repository that the catalog knows."""
        query = "SELECT address FROM repositories WHERE tenant = $tenant ORDER BY address"
        with self._reading() as connection:
            return [str(one) for (one,) in script.ask(connection, query, tenant=self._tenant)]

    def versions(self, address: str, where: VersionFilter = EVERY) -> list[Version]:
        """Return the versions of a repository, the lowest number first."""
        with self._reading() as connection:
            key = self._key(address)
            return reading.read_versions(connection, self._tenant, key, address, where)

    def arrived(self, address: str, objective: Objective, now: datetime) -> Arrived:
        """Count what of the latest version of a repository an objective is about.

        Raises:
            RepositoryNotFound: the catalog does not know the repository.
        """
        with self._reading() as connection:
            key = self._key(address)
            reading.first_seen(connection, key, address)
            return read_arrived(connection, key, objective, now)

    def latest(self, address: str) -> Version:
        """Return the latest version of a repository."""
        return self._version(address, None)

    def version(self, address: str, number: int) -> Version:
        """Return one version of a repository."""
        return self._version(address, number)

    def version_at(self, address: str, moment: datetime) -> Version:
        """Return the version that was the latest at a moment; one without a zone is UTC.

        Raises:
            RepositoryNotFound: the catalog had not seen the repository by then.
            NotRecorded: it had, and the versions of that time were deleted.
        """
        with self._reading() as connection:
            key = self._key(address)
            return reading.read_version_at(connection, self._tenant, key, address, moment)

    def chosen_version(
        self, address: str, number: int | None = None, at: datetime | None = None
    ) -> Version:
        """Return the version that is meant by its number, or by a moment, or else the latest.

        Raises:
            InvalidInput: both were given.
            NotRecorded: there is no such version.
        """
        if number is not None and at is not None:
            raise InvalidInput("a version is meant by its number or by a moment, not by both")
        return self._version(address, number) if at is None else self.version_at(address, at)

    def content(self, address: str, number: int | None = None) -> Iterator[ContentRow]:
        """Return the resources of a version, the latest by default, in path order."""
        copy = self._copy("content")
        with self._reading() as connection:
            key = self._key(address)
            version = reading.read_version(connection, key, address, number)
            query = script.text("content")
            write_rows(connection, copy, query, repository=key, number=version.number)
        return (ContentRow(*row) for row in stream_rows(copy))

    def holders(self, address: str, number: int) -> list[str]:
        """Return the addresses known to hold bytes of a version, those that hold most first."""
        with self._reading() as connection:
            values = {"repository": self._key(address), "number": number, "tenant": self._tenant}
            rows = script.ask(connection, script.text("holders"), **values)
        return [str(holder) for (holder,) in rows]

    def rooted(self, start: str) -> list[str]:
        """Return the addresses that begin with `start` and have versions that no pull made."""
        with self._reading() as connection:
            query = script.text("rooted")
            rows = script.ask(connection, query, tenant=self._tenant, start=start)
        return [str(address) for (address,) in rows]

    def content_at(self, address: str, moment: datetime) -> Iterator[ContentRow]:
        """Return what a repository held at a moment, in path order; see `version_at`."""
        return self.content(address, self.version_at(address, moment).number)

    def diff(self, address: str, old: int, new: int) -> Iterator[DiffRow]:
        """Return the paths whose bytes differ from version `old` to version `new`, in path order.

        Digests are compared where both are known, else sizes, etags or times. So a file that was
        written anew with equal bytes is not among them.
        """
        copy = self._copy("diff")
        with self._reading() as connection:
            key = self._key(address)
            for number in (old, new):
                reading.read_version(connection, key, address, number)
            write_rows(connection, copy, diff_query(), repository=key, old=old, new=new)
        return map(DiffRow.of, stream_rows(copy))

    def diff_counts(self, address: str, old: int, new: int) -> DiffCounts:
        """Count what `diff` would return."""
        with self._reading() as connection:
            key = self._key(address)
            for number in (old, new):
                reading.read_version(connection, key, address, number)
            return reading.read_diff_counts(connection, key, old, new)

    def drift(
        self, address: str, number: int, listing: Listing, *, match_etags: bool
    ) -> Iterator[Finding]:
        """Return the paths at which a fresh listing differs from a version, in path order.

        `match_etags` says that the storage's etags follow the content; else times are compared.
        """
        copy = self._copy("drift")
        with self._reading() as connection:
            key = self._key(address)
            reading.read_version(connection, key, address, number)
            write_rows(
                connection,
                copy,
                script.text("drift"),
                repository=key,
                number=number,
                tenant=self._tenant,
                match_etags=match_etags,
                files=parts(self._folder / "spool", listing.listing_id),
            )
        return (Finding(path, Fault(fault), *rest) for path, fault, *rest in stream_rows(copy))

    def orphans(
        self, address: str, history: str, listing: Listing, before: datetime
    ) -> Iterator[tuple[str, int | None]]:
        """Return path and size of what a repository's history holds and no version needs.

        `listing` is a fresh one of the history at the address `history`; what was kept since
        `before` is left out.
        """
        copy = self._copy("orphans")
        with self._reading() as connection:
            write_rows(
                connection,
                copy,
                script.text("orphans"),
                repository=self._key(address),
                history=self._key(history),
                tenant=self._tenant,
                before=before.astimezone(UTC).replace(tzinfo=None),
                files=parts(self._folder / "spool", listing.listing_id),
            )
        return ((path, size) for path, size in stream_rows(copy))

    def sizes(self, address: str, number: int | None = None) -> Sizes:
        """Add up a version of a repository, the latest by default."""
        with self._reading() as connection:
            key = self._key(address)
            version = reading.read_version(connection, key, address, number)
            return reading.read_sizes(connection, key, version.number)

    def retained(self, address: str) -> int | None:
        """Return how many of its newest versions a repository keeps; None for all."""
        with self._reading() as connection:
            return reading.read_retention(connection, self._key(address), address)

    def _version(self, address: str, number: int | None) -> Version:
        with self._reading() as connection:
            key = self._key(address)
            return reading.read_version(connection, key, address, number)

    def _holder(self, address: str, number: int) -> Version:
        # The version just made, or the one into which somebody squashed it meanwhile.
        found = self.versions(address, VersionFilter(numbers=Span(first=number)))
        return found[0] if found else self.latest(address)

    def _copy(self, what: str) -> Path:
        return self._folder / "tmp" / f"{uuid.uuid4().hex}.{what}"
