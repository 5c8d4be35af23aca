"""Queries of an export: resources, the locations of their bytes, how they were verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby
from typing import Any

from catalog.catalog_file import CatalogFile
from catalog.model.version import ContentRow
from catalog.queries import read_versions as reading
from catalog.store import statements
from catalog.store.diff_queries import changes_query
from catalog.store.parquet import export_rows, read_exported_rows

NO_VERSION = -1  # before version 0


@dataclass(frozen=True, slots=True)
class LocatedResource:
    """One resource of a version, and the locations of its bytes (address, path), nearest first."""

    row: ContentRow
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """One artifact, and the locations of its bytes."""

    path: str  # of a resource that has these bytes
    digest: str  # sha256, hex
    size: int | None
    places: tuple[tuple[str, str], ...]


def merge_artifacts(streams: Iterable[Iterable[ArtifactRow]]) -> Iterator[ArtifactRow]:
    """Merge the artifacts of several repositories, each sorted by digest."""
    for _, same in groupby(merge(*streams, key=_digest), key=_digest):
        first, *others = same
        places = dict.fromkeys((*first.places, *(place for one in others for place in one.places)))
        yield replace(first, places=tuple(places))


def _digest(row: ArtifactRow) -> str:
    return row.digest


class Exports:
    """The content of versions, with the locations of its bytes."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def manifest_lines(self, address: str, number: int) -> Iterator[str]:
        """Return the lines of a version's manifest; it must have no `unlisted_path`."""
        copy = self._file.temporary_file("manifest")
        with self._file.connect_flushed() as connection:
            values = {"repository": self._file.key(address), "number": number}
            export_rows(connection, copy, statements.load_sql("versions/manifest"), **values)
        return (str(line) for (line,) in read_exported_rows(copy))

    def unlisted_path(self, address: str, number: int) -> str | None:
        """Return a path of a version that cannot be written in a manifest, if there is one."""
        query = statements.load_sql("files/unwritable_in_manifest")
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection, query, repository=self._file.key(address), number=number
            )
        path: str | None = rows[0][0]
        return path

    def manifest_digest(self, address: str, number: int) -> str | None:
        """Return the sha256 of a version's manifest; None if it cannot be written.

        It is the text that `export-tree` writes as PULP_MANIFEST.
        """
        copy = self._file.temporary_file("manifest")
        values = {"repository": self._file.key(address), "number": number}
        with self._file.connect_flushed() as connection:
            export_rows(connection, copy, statements.load_sql("versions/manifest"), **values)
        digest = hashlib.sha256()
        lacking = 0
        for (line,) in read_exported_rows(copy):  # to the end, which deletes the copy
            if line is None:
                lacking += 1
            else:
                digest.update(str(line).encode())
        return None if lacking else digest.hexdigest()

    def located_content(
        self, address: str, number: int, since: int | None = None
    ) -> Iterator[LocatedResource]:
        """Return the resources of a version with their locations, in path order.

        With `since` only what was added or replaced after that version.
        """
        query = statements.load_sql("files/located_content").replace("{changed}", changes_query())
        named = [number] if since is None else [since, number]
        rows = self._rows_with_places(query, address, named, old=since, new=number)
        return (LocatedResource(ContentRow(*row[:-1]), _parse_places(row[-1])) for row in rows)

    def artifacts(
        self, address: str, numbers: Sequence[int], since: int | None = None
    ) -> Iterator[ArtifactRow]:
        """Return each artifact of the versions `numbers` once, by digest.

        Those of version `since` are left out as long as every later version has them too: a site
        with that version can build each version from the one before it.
        """
        ordered = sorted(set(numbers))
        before = [NO_VERSION if since is None else since, *ordered[:-1]]
        query = statements.load_sql("files/archive_content")
        named = ordered if since is None else [since, *ordered]
        rows = self._rows_with_places(query, address, named, numbers=ordered, previous=before)
        return (
            ArtifactRow(path, digest, size, _parse_places(places))
            for path, digest, size, places in rows
        )

    def proofs(self, address: str, number: int) -> dict[str, int]:
        """Count the resources of a version by how they were verified; '' for not at all."""
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            reading.read_version(connection, key, address, number)
            rows = statements.fetch_rows(
                connection, statements.load_sql("versions/proofs"), repository=key, number=number
            )
        return {str(proof): int(count) for proof, count in rows}

    def _rows_with_places(
        self, query: str, address: str, named: Sequence[int], **values: object
    ) -> Iterator[statements.Row]:
        copy = self._file.temporary_file("places")
        with self._file.connect_flushed() as connection:
            key = self._file.key(address)
            for number in named:
                reading.read_version(connection, key, address, number)
            export_rows(
                connection,
                copy,
                query.replace("{places}", statements.load_sql("files/locations_by_digest")),
                repository=key,
                tenant=self._file.tenant,
                **values,
            )
        return read_exported_rows(copy)


def _parse_places(found: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["address"], one["path"]) for one in found)
