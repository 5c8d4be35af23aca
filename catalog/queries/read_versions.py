"""Converts rows of the catalog into versions, locations and sizes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from catalog.errors import NotRecorded, RepositoryNotFound
from catalog.filters.versions import Span, VersionFilter, to_naive_utc
from catalog.glob import globs_to_regex
from catalog.model.diff import DiffCounts
from catalog.model.version import Location, Sizes, Version
from catalog.rules.freshness import Arrivals, Objective, pattern_at
from catalog.store import statements
from catalog.store.diff_queries import diff_counts_query


def read_versions(
    connection: DuckDBPyConnection, tenant: str, key: str, address: str, where: VersionFilter
) -> list[Version]:
    """Return the versions of a repository that match `where`, the lowest number first."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("versions/versions"),
        repository=key,
        **where.parameters(tenant),
    )
    if not rows:
        first_seen(connection, key, address)
        return []
    return _versions_from_rows(connection, key, address, rows)


def read_version(
    connection: DuckDBPyConnection, key: str, address: str, number: int | None
) -> Version:
    """Return one version of a repository, the latest by default."""
    rows = statements.fetch_rows(
        connection, statements.load_sql("versions/version"), repository=key, number=number
    )
    if not rows:
        first_seen(connection, key, address)
        raise NotRecorded("version", f"{address} {number}")
    return _versions_from_rows(connection, key, address, rows)[0]


def _versions_from_rows(
    connection: DuckDBPyConnection, key: str, address: str, rows: list[statements.Row]
) -> list[Version]:
    """Convert rows to versions with their labels and protections."""
    labels: dict[int, dict[str, str]] = defaultdict(dict)
    protected: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for number, name, value in statements.fetch_rows(
        connection, statements.load_sql("versions/labels_and_protections"), repository=key
    ):
        if name is None:
            protected[number] += (value,)
        else:
            labels[number][name] = value
    return [
        replace(
            Version(address, number, base, statements.as_utc(created_at), *rest),
            labels=labels[number],
            protected=protected[number],
        )
        for number, base, created_at, *rest in rows
    ]


def read_version_at(
    connection: DuckDBPyConnection, tenant: str, key: str, address: str, moment: datetime
) -> Version:
    """Return the version that was the latest at `moment`."""
    where = VersionFilter(created=Span(last=moment))
    found = read_versions(connection, tenant, key, address, where)
    if found:
        return found[-1]
    first = first_seen(connection, key, address)
    if to_naive_utc(moment) < first:
        raise RepositoryNotFound(
            f"the catalog first saw {address!r} at {statements.as_utc(first).isoformat()}"
            f" and knows nothing of it at {moment.isoformat()}"
        )
    raise NotRecorded("version", f"{address} at {moment.isoformat()} (deleted)")


def first_seen(connection: DuckDBPyConnection, key: str, address: str) -> datetime:
    """Return when the catalog first saw a repository, or raise `RepositoryNotFound`."""
    query = "SELECT first_seen FROM repositories WHERE repository = $repository::UUID"
    rows = statements.fetch_rows(connection, query, repository=key)
    if not rows:
        raise RepositoryNotFound(f"the catalog does not know {address!r}: check the address")
    moment: datetime = rows[0][0]
    return moment


def read_retention(connection: DuckDBPyConnection, key: str, address: str) -> int | None:
    """Return how many of its newest versions a repository keeps; None for all."""
    first_seen(connection, key, address)
    query = "SELECT retain FROM histories WHERE repository = $repository::UUID"
    rows = statements.fetch_rows(connection, query, repository=key)
    return rows[0][0] if rows else None


def read_diff_counts(connection: DuckDBPyConnection, key: str, old: int, new: int) -> DiffCounts:
    """Count the differences between two versions."""
    return DiffCounts(
        *statements.fetch_rows(connection, diff_counts_query(), repository=key, old=old, new=new)[0]
    )


def read_sizes(connection: DuckDBPyConnection, key: str, number: int) -> Sizes:
    """Compute the size of a version, with all bytes and with equal bytes once."""
    return Sizes(
        *statements.fetch_rows(
            connection, statements.load_sql("versions/sizes"), repository=key, number=number
        )[0]
    )


def read_locations(connection: DuckDBPyConnection, tenant: str, digest: str) -> list[Location]:
    """Return all locations of the bytes with a sha256."""
    query = statements.load_sql("files/locations")
    return [
        _location_from_row(row)
        for row in statements.fetch_rows(connection, query, tenant=tenant, digest=digest)
    ]


def read_location(connection: DuckDBPyConnection, key: str, nkey: str) -> Location | None:
    """Return what a repository is known to store at a path."""
    rows = statements.fetch_rows(
        connection, statements.load_sql("files/location"), nkey=nkey, repository=key
    )
    return _location_from_row(rows[0]) if rows else None


def _location_from_row(row: statements.Row) -> Location:
    return replace(Location(*row), recorded_at=statements.as_utc(row[-1]))


def read_arrivals(
    connection: DuckDBPyConnection, key: str, objective: Objective, now: datetime
) -> Arrivals:
    """Count the matching files in the latest version of a repository."""
    (row,) = statements.fetch_rows(
        connection,
        statements.load_sql("versions/arrivals"),
        repository=key,
        pattern=globs_to_regex((pattern_at(objective.pattern, now),)),
        within_s=objective.within_s,
        now=now.astimezone(UTC).replace(tzinfo=None),
    )
    files, size, newest = row
    return Arrivals(int(files), int(size), newest.replace(tzinfo=UTC) if newest else None)
