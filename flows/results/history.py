"""What a flow that changes a repository's history returns: the versions that remain, as a table."""

from __future__ import annotations

import html
from dataclasses import dataclass

from catalog.model.version import Version
from flows.results.sync import human
from flows.results.table import html_table

SHOWN = 20  # versions that a table names, the newest

_COLUMNS = ("version", "made", "added", "replaced", "removed", "files", "size", "noted")


@dataclass(frozen=True, slots=True)
class VersionResult:
    """What was deleted of a repository's versions, and which remain, the newest first."""

    run_id: str
    repository: str  # label
    address: str
    deleted: tuple[int, ...]
    versions: tuple[Version, ...]
    retained: int | None  # how many of the newest stay; None for all

    @property
    def changed(self) -> bool:
        """Say whether any version was deleted."""
        return bool(self.deleted)

    def summary(self) -> str:
        """Return one sentence."""
        kept = "keeping all" if self.retained is None else f"keeping the newest {self.retained}"
        if not self.deleted:
            return f"nothing to do: {len(self.versions)} versions, {kept}"
        numbers = ", ".join(map(str, self.deleted))
        return f"deleted {numbers}; {len(self.versions)} remain, {kept}"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping a version."""
        return [
            dict(
                zip(
                    _COLUMNS,
                    (
                        str(one.number),
                        f"{one.created_at:%Y-%m-%d %H:%M:%S}",
                        str(one.added),
                        str(one.replaced),
                        str(one.removed),
                        str(one.total),
                        human(one.bytes),
                        ", ".join(
                            [
                                *(f"{key}={value}" for key, value in one.labels.items()),
                                *(f"protected: {reason}" for reason in one.protected),
                            ]
                        ),
                    ),
                    strict=True,
                )
            )
            for one in self.versions[:SHOWN]
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
        return "\n".join([*lines, *self._more()])

    def __repr__(self) -> str:
        """Return the table, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        return (
            f"<p>{html.escape(self.repository)}: {html.escape(self.summary())}</p>"
            + html_table(_COLUMNS, self.rows())
            + "".join(f"<p>{line}</p>" for line in self._more())
        )

    def _more(self) -> list[str]:
        more = len(self.versions) - SHOWN
        return [f"  … and {more} older"] if more > 0 else []
