"""The result of flows that change a repository's history: a table of the remaining versions."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC

from catalog.formats.quantities import format_bytes
from catalog.model.version import Version
from flows.results.table import html_table

MAX_ROWS = 20  # versions in a table, newest first

_COLUMNS = ("version", "created", "added", "replaced", "removed", "files", "size", "labels")


@dataclass(frozen=True, slots=True)
class RemainingVersions:
    """Which versions of a repository were deleted, and which remain, newest first."""

    run_id: str
    repository: str  # label
    address: str
    deleted: tuple[int, ...]
    versions: tuple[Version, ...]
    retained: int | None  # how many of the newest to keep; None for all

    @property
    def changed(self) -> bool:
        """Return whether any version was deleted."""
        return bool(self.deleted)

    def summary(self) -> str:
        """Return one sentence."""
        kept = "keeping all" if self.retained is None else f"keeping the newest {self.retained:,}"
        count = len(self.versions)
        if not self.deleted:
            return f"nothing to do: {count:,} version{'s' * (count != 1)}, {kept}"
        numbers = ", ".join(map(str, self.deleted))
        return f"deleted {numbers}; {count:,} remain, {kept}"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping per version."""
        return [
            dict(
                zip(
                    _COLUMNS,
                    (
                        str(version.number),
                        f"{version.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
                        f"{version.added:,}",
                        f"{version.replaced:,}",
                        f"{version.removed:,}",
                        f"{version.total:,}",
                        format_bytes(version.bytes),
                        ", ".join(
                            [
                                *(f"{key}={value}" for key, value in version.labels.items()),
                                *(f"protected: {reason}" for reason in version.protected),
                            ]
                        ),
                    ),
                    strict=True,
                )
            )
            for version in self.versions[:MAX_ROWS]
        ]

    def __str__(self) -> str:
        """Return the table as text."""
        rows = [dict(zip(_COLUMNS, _COLUMNS, strict=True)), *self.rows()]
        widths = {name: max(len(row[name]) for row in rows) for name in _COLUMNS}
        lines = [f"{self.repository}: {self.summary()}"]
        lines += [
            f"  {'  '.join(row[name].rjust(widths[name]) for name in _COLUMNS)}".rstrip()
            for row in rows
        ]
        return "\n".join([*lines, *self._omitted()])

    def __repr__(self) -> str:
        """Return the table, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        return (
            f"<p>{html.escape(self.repository)}: {html.escape(self.summary())}</p>"
            + html_table(_COLUMNS, self.rows())
            + "".join(f"<p>{line}</p>" for line in self._omitted())
        )

    def _omitted(self) -> list[str]:
        more = len(self.versions) - MAX_ROWS
        return [f"  … and {more:,} older"] if more > 0 else []
