"""Retention: how many of the newest versions are kept, and which are protected."""

from __future__ import annotations

from typing import cast

from catalog.catalog_file import CatalogFile
from catalog.queries import read_versions as reading


class Retention:
    """How many versions each repository keeps."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def get(self, address: str) -> int | None:
        """Return how many of its newest versions a repository keeps; None for all."""
        with self._file.connect_flushed() as connection:
            return reading.read_retention(connection, self._file.key(address), address)

    def keep(self, address: str, versions: int | None) -> tuple[int, ...]:
        """Keep this many of the newest versions, now and after each new one; None keeps all.

        Protected versions stay and do not count. Return the numbers of deleted versions.
        """
        result = self._file.submit_and_wait("retain", {"repository": address, "versions": versions})
        return tuple(cast("list[int]", result["deleted"]))

    def protect(self, address: str, number: int, reason: str) -> None:
        """Protect a version from deletion for this reason."""
        self._file.submit_and_wait(
            "protect", {"repository": address, "number": number, "reason": reason}
        )

    def unprotect(self, address: str, number: int, reason: str | None = None) -> None:
        """Remove one reason, or all; the version stays until retention applies the next time."""
        self._file.submit_and_wait(
            "unprotect", {"repository": address, "number": number, "reason": reason}
        )
