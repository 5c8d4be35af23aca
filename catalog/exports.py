"""What an export asks of the catalog: resources, the places of their bytes, their proofs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby
from typing import Any

from catalog import script
from catalog import version_reading as reading
from catalog.diff import changed
from catalog.origins import Origins
from catalog.page import stream_rows, write_rows
from catalog.version import ContentRow

NO_VERSION = -1  # before version 0


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One resource of a version, and where its bytes lie: (address, path), the nearest first."""

    row: ContentRow
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """One artifact, and where its bytes lie."""

    path: str  # of a resource that has these bytes
    digest: str  # sha256, hex
    size: int | None
    places: tuple[tuple[str, str], ...]


def merged(streams: Iterable[Iterable[ArtifactRow]]) -> Iterator[ArtifactRow]:
    """Return the artifacts of several repositories, each by digest, as one such list."""
    for _, same in groupby(merge(*streams, key=_digest), key=_digest):
        first, *others = same
        places = dict.fromkeys((*first.places, *(place for one in others for place in one.places)))
        yield replace(first, places=tuple(places))


def _digest(row: ArtifactRow) -> str:
    return row.digest


class Exports(Origins):
    """The versions of every repository, with the places of their bytes."""

    __slots__ = ()

    def whereabouts(
        self, address: str, number: int, since: int | None = None
    ) -> Iterator[Whereabouts]:
        """Return the resources of a version with their places, in path order.

        With `since` only what was added or replaced after that version.
        """
        query = script.text("whereabouts").replace("{changed}", changed())
        named = [number] if since is None else [since, number]
        rows = self._placed(query, address, named, old=since, new=number)
        return (Whereabouts(ContentRow(*row[:-1]), _places(row[-1])) for row in rows)

    def archive_artifacts(
        self, address: str, numbers: Sequence[int], since: int | None = None
    ) -> Iterator[ArtifactRow]:
        """Return each artifact of the versions `numbers` once, by digest.

        Those of version `since` are left out as long as every later version had them too: whoever
        holds that version can make each of the others out of the one before it.
        """
        ordered = sorted(set(numbers))
        before = [NO_VERSION if since is None else since, *ordered[:-1]]
        query = script.text("archive_artifacts")
        named = ordered if since is None else [since, *ordered]
        rows = self._placed(query, address, named, numbers=ordered, previous=before)
        return (
            ArtifactRow(path, digest, size, _places(places)) for path, digest, size, places in rows
        )

    def proofs(self, address: str, number: int) -> dict[str, int]:
        """Count the resources of a version by how deeply they were proven; '' for not at all."""
        with self._reading() as connection:
            key = self._key(address)
            reading.read_version(connection, key, address, number)
            rows = script.ask(connection, script.text("proofs"), repository=key, number=number)
        return {str(proof): int(count) for proof, count in rows}

    def plan_id_of(self, address: str, number: int) -> str | None:
        """Return the id of the plan that made a version, if one did."""
        with self._reading() as connection:
            rows = script.ask(
                connection,
                "SELECT plan_id FROM repository_versions"
                " WHERE repository = $repository::UUID AND number = $number",
                repository=self._key(address),
                number=number,
            )
        return rows[0][0] if rows else None

    def highest(self, address: str) -> int:
        """Return the highest number that a version of a repository ever had."""
        with self._reading() as connection:
            rows = script.ask(
                connection,
                "SELECT max(number) FROM (SELECT number, repository FROM repository_versions"
                " UNION ALL SELECT highest, repository FROM histories)"
                " WHERE repository = $repository::UUID",
                repository=self._key(address),
            )
        return int(rows[0][0] or 0)

    def _placed(
        self, query: str, address: str, named: Sequence[int], **values: object
    ) -> Iterator[script.Row]:
        copy = self._copy("places")
        with self._reading() as connection:
            key = self._key(address)
            for number in named:
                reading.read_version(connection, key, address, number)
            write_rows(
                connection,
                copy,
                query.replace("{places}", script.text("places")),
                repository=key,
                tenant=self._tenant,
                **values,
            )
        return stream_rows(copy)


def _places(found: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["address"], one["path"]) for one in found)
