"""Answers what the catalog knows of a repository: versions, content, locations, sizes."""

from __future__ import annotations

from dataclasses import replace

from duckdb import DuckDBPyConnection

from catalog import script
from catalog.errors import NotRecorded, RepositoryNotFound
from catalog.reading import aware
from catalog.version import Location, Sizes, Version


def read_versions(connection: DuckDBPyConnection, repository: str, address: str) -> list[Version]:
    """Return every version of a repository, 0 first."""
    rows = script.ask(connection, script.text("versions"), repository=repository)
    if not rows:
        raise RepositoryNotFound(f"the catalog has not seen {address!r}")
    return [
        Version(address, number, base, aware(created_at), *rest)
        for number, base, created_at, *rest in rows
    ]


def read_version(
    connection: DuckDBPyConnection, repository: str, address: str, number: int | None
) -> Version:
    """Return one version of a repository, the latest by default."""
    every = read_versions(connection, repository, address)
    for version in reversed(every):
        if number is None or version.number == number:
            return version
    raise NotRecorded("version", f"{address} {number}")


def read_locations(connection: DuckDBPyConnection, digest: str) -> list[Location]:
    """Return everywhere the bytes of a sha256 lie."""
    return [
        _location(row) for row in script.ask(connection, script.text("locations"), digest=digest)
    ]


def read_location(connection: DuckDBPyConnection, repository: str, nkey: str) -> Location | None:
    """Return what a repository is known to hold at a path."""
    rows = script.ask(connection, script.text("location"), nkey=nkey, repository=repository)
    return _location(rows[0]) if rows else None


def read_sizes(connection: DuckDBPyConnection, repository: str) -> Sizes:
    """Add up the latest version, with all bytes and with equal bytes once."""
    return Sizes(*script.ask(connection, script.text("sizes"), repository=repository)[0])


def _location(row: script.Row) -> Location:
    return replace(Location(*row), recorded_at=aware(row[-1]))
