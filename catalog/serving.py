"""What a gateway asks of the catalog for one path: its row, and where the bytes can be had.

>>> catalog.find("s3://bucket", 7, "models/a.bin").places        # doctest: +SKIP
(Placed(address='s3://bucket', path='models/a.bin', ...),)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from catalog import script
from catalog.keys import path_key
from catalog.resources import Resources
from catalog.version import ContentRow, Origin
from catalog.version_filter import naive


@dataclass(frozen=True, slots=True)
class Placed:
    """Where bytes are recorded to lie, with the marks that they had when they were written."""

    address: str
    path: str
    etag: str | None = None
    size: int | None = None
    modified_us: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One path of one version: what it lists, where it is stored, and else whence it can be had."""

    row: ContentRow
    version: int
    places: tuple[Placed, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder: a file, or a folder with how many files and bytes lie below it."""

    name: str
    folder: bool
    files: int
    size: int | None
    modified_us: int | None


class Look(Enum):
    """How far to look for the bytes of a file."""

    NEAR = "near"
    EVERYWHERE = "everywhere"


class Serving(Resources):
    """A catalog that is asked for single paths."""

    __slots__ = ()

    def latest_number(self, address: str) -> int | None:
        """Return the number of a repository's latest version; None where it was never seen."""
        query = "SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID"
        with self._reading() as connection:
            found: int | None = script.ask(connection, query, repository=self._key(address))[0][0]
        return found

    def find(self, address: str, number: int, path: str, look: Look = Look.NEAR) -> Found | None:
        """Return one path of a version with the places of its bytes; None where it has none.

        Where the repository itself is recorded to hold just these bytes under just this path, no
        other place is told of, unless `look` says so.
        """
        with self._reading() as connection:
            key, nkey = self._key(address), path_key(self._tenant, path)
            values: dict[str, object] = {"repository": key, "nkey": nkey}
            rows = script.ask(connection, script.text("serve_row"), number=number, **values)
            if not rows:
                return None
            row = ContentRow(*rows[0])
            own = [
                Placed(address, path, etag, size, modified_us)
                for etag, size, modified_us, digest in script.ask(
                    connection, script.text("serve_own"), **values
                )
                if digest == row.digest or (row.digest is None and size in (row.size, None))
            ]
            if own and row.digest is not None and look is Look.NEAR:
                return Found(row, number, tuple(own))
            origins = script.ask(connection, script.text("origins"), **values)
            origin = Origin(*origins[0]) if origins and _lists(row, Origin(*origins[0])) else None
            if row.digest is None:
                places = [] if origin is not None else own
            else:
                query = script.text("serve_places")
                more = {"address": address, "tenant": self._tenant, "digest": row.digest}
                held = script.ask(connection, query, repository=key, **more)
                places = [Placed(*one) for one in held]
        if origin is None and not places:  # of a source, which was listed and never written to
            places = [Placed(address, path, row.etag, row.size, row.modified_us)]
        return Found(row, number, tuple(places), origin)

    def superseded(self, address: str, path: str, since: datetime) -> Found | None:
        """Return what a path was in the last version that had it, if that was so since a moment."""
        with self._reading() as connection:
            values = {"repository": self._key(address), "nkey": path_key(self._tenant, path)}
            query = script.text("serve_superseded")
            rows = script.ask(connection, query, since=naive(since), **values)
        return self.find(address, int(rows[0][-1]), path) if rows else None

    def folder(
        self, address: str, number: int, prefix: str, *, count: int = 10_000, offset: int = 0
    ) -> list[Entry]:
        """Return what lies directly in a folder of a version, folders first; '' is the root."""
        below = prefix.rstrip("/") + "/" if prefix else ""
        with self._reading() as connection:
            rows = script.ask(
                connection,
                script.text("serve_folder"),
                repository=self._key(address),
                number=number,
                prefix=below,
                count=count,
                offset=offset,
            )
        return [Entry(*row) for row in rows]


def _lists(row: ContentRow, origin: Origin) -> bool:
    """Say whether an origin, which is of the latest version, is that of this row."""
    if row.digest is not None and origin.digest is not None:
        return row.digest == origin.digest
    return row.size == origin.size and (row.etag == origin.etag or row.etag is None)
