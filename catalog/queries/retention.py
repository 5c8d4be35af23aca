"""Which versions stay: so many of the newest, and those that are protected."""

from __future__ import annotations

from typing import cast

from catalog.queries import read_versions as reading
from catalog.session.catalog_file import CatalogFile


class Retention:
    """How many versions each repository keeps."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def get(self, address: str) -> int | None:
        """Return how many of its newest versions a repository keeps; None for all."""
        with self._file.reading() as connection:
            return reading.read_retention(connection, self._file.key(address), address)

    def keep(self, address: str, versions: int | None) -> tuple[int, ...]:
        """Keep so many of the newest versions, now and after each new one; None keeps all.

        Protected versions stay and do not count. Return the numbers that were deleted.
        """
        result = self._file.submit_and_wait("retain", {"repository": address, "versions": versions})
        return tuple(cast("list[int]", result["deleted"]))

    def protect(self, address: str, number: int, reason: str) -> None:
        """Let nothing delete a version as long as there is this reason."""
        self._file.submit_and_wait(
            "protect", {"repository": address, "number": number, "reason": reason}
        )

    def unprotect(self, address: str, number: int, reason: str | None = None) -> None:
        """Take one reason away, or all; the version stays until retention is next applied."""
        self._file.submit_and_wait(
            "unprotect", {"repository": address, "number": number, "reason": reason}
        )
