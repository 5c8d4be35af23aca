"""What may be asked of resources that a repository lists and does not store.

>>> catalog.origin("s3://bucket", "models/a.bin")               # doctest: +SKIP
Origin(path='models/a.bin', policy='on_demand', ...)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog import script
from catalog.history import History
from catalog.keys import path_key
from catalog.page import stream_rows, write_rows
from catalog.spare import Copy, Spare
from catalog.stood import Stood
from catalog.version import Origin


class Origins(History):
    """The versions of every repository, and where the bytes lie that it does not store."""

    __slots__ = ()

    def origins(self, address: str) -> Iterator[Origin]:
        """Return what a repository lists and does not store, and where to fetch it, by path."""
        copy = self._copy("origins")
        with self._reading() as connection:
            query = script.text("origins")
            write_rows(connection, copy, query, repository=self._key(address), nkey=None)
        return (Origin(*row) for row in stream_rows(copy))

    def origin(self, address: str, path: str) -> Origin | None:
        """Return where to fetch a resource that its repository lists and does not store."""
        with self._reading() as connection:
            values = {"repository": self._key(address), "nkey": path_key(self._tenant, path)}
            rows = script.ask(connection, script.text("origins"), **values)
        return Origin(*rows[0]) if rows else None

    def unstored(self, address: str) -> int:
        """Count what a repository lists and does not store."""
        with self._reading() as connection:
            query = "SELECT count(*) FROM origins WHERE repository = $repository::UUID"
            count: int = script.ask(connection, query, repository=self._key(address))[0][0]
        return count

    def spare(
        self, address: str, reclaimed: Sequence[str], kept: Sequence[tuple[str, int]] = ()
    ) -> Iterator[Spare]:
        """Return the files of a repository whose bytes are known to lie elsewhere too, by path.

        Places in the repositories `reclaimed` do not count. What a version of `kept` (address,
        number) contains is none of them.
        """
        copy = self._copy("spare")
        with self._reading() as connection:
            write_rows(
                connection,
                copy,
                script.text("spare"),
                repository=self._key(address),
                tenant=self._tenant,
                excluded=list(reclaimed),
                kept=[self._key(one) for one, _ in kept],
                numbers=[number for _, number in kept],
            )
        for path, size, etag, modified_us, digest, places in stream_rows(copy):
            copies = (
                Copy(
                    one["address"],
                    one["path"],
                    Stood(digest, size, one["etag"], one["modified_us"]),
                )
                for one in places
            )
            yield Spare(path, Stood(digest, size, etag, modified_us), tuple(copies))
