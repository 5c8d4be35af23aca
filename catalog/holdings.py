"""What the catalog tells of the bytes that lie in one repository, by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from catalog import script
from catalog.exports import Exports
from catalog.page import stream_rows, write_rows

NAMED = 100  # paths that an answer carries


@dataclass(frozen=True, slots=True)
class Holding:
    """One path of a repository whose bytes are recorded to lie there; sha256 in hex."""

    path: str
    digest: str
    size: int | None
    etag: str | None = None


class Holdings(Exports):
    """What each repository holds, and what of that some version needs."""

    __slots__ = ()

    def holdings(self, address: str) -> Iterator[Holding]:
        """Return every path that is recorded to lie at a repository, in path order."""
        return (Holding(*row) for row in self._rows("holdings", address))

    def needed(self, address: str) -> Iterator[str]:
        """Return each digest that a version of a repository needs, or that is recorded there."""
        return (str(digest) for (digest,) in self._rows("needed", address))

    def marks(self, address: str) -> Iterator[tuple[str, str]]:
        """Return each path with each etag that a version needs, or that is recorded there."""
        return ((str(path), str(etag)) for path, etag in self._rows("marks", address))

    def sum_of_numbers(self, address: str, number: int) -> int:
        """Return the sum of a version's etags, where these are numbers.

        It rises whenever equal bytes are stored anew, which makes no version.
        """
        with self._reading() as connection:
            values = {"repository": self._key(address), "number": number}
            rows = script.ask(connection, script.text("sum_of_numbers"), **values)
        return int(rows[0][0])

    def unheld(self, address: str, number: int) -> list[str]:
        """Return some paths of a version whose very bytes are not recorded to lie there."""
        with self._reading() as connection:
            values = {"repository": self._key(address), "number": number, "limit": NAMED}
            rows = script.ask(connection, script.text("unheld"), **values)
        return [str(path) for (path,) in rows]

    def manifest_digest(self, address: str, number: int) -> str | None:
        """Return the sha256 of a version's manifest; None where it cannot be written.

        That is the text that `export-tree` writes as PULP_MANIFEST.
        """
        copy = self._copy("manifest")
        values = {"repository": self._key(address), "number": number}
        with self._reading() as connection:
            write_rows(connection, copy, script.text("manifest"), **values)
        digest = hashlib.sha256()
        lacking = 0
        for (line,) in stream_rows(copy):  # to its end, or the copy would stay
            if line is None:
                lacking += 1
            else:
                digest.update(str(line).encode())
        return None if lacking else digest.hexdigest()

    def written(self) -> dict[str, int]:
        """Return the addresses that anything was written to, with the size of what they hold.

        That is the number of files of the latest version. Adopted files count as written.
        """
        with self._reading() as connection:
            rows = script.ask(connection, script.text("written"), tenant=self._tenant)
        return {str(address): int(total) for address, total in rows}

    def seen_us(self, address: str) -> int | None:
        """Return when this catalog first saw a repository: no other catalog has the same moment.

        None where it never did.
        """
        query = "SELECT epoch_us(first_seen) FROM repositories WHERE repository = $repository::UUID"
        with self._reading() as connection:
            rows = script.ask(connection, query, repository=self._key(address))
        return int(rows[0][0]) if rows else None

    def _rows(self, name: str, address: str) -> Iterator[script.Row]:
        copy = self._copy(name)
        with self._reading() as connection:
            write_rows(connection, copy, script.text(name), repository=self._key(address))
        return stream_rows(copy)
