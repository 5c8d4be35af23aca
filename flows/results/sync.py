"""The result of flows that move files; it prints as a table in a terminal and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.formats.quantities import format_bytes
from catalog.model.gap import GAP_ADVICE, FoundGap
from catalog.model.outcome import Outcome
from flows.results.table import html_table, text_table

MAX_LINES = 20  # failures, gaps and so on in a message

_COLUMNS = ("destination", "added", "replaced", "removed", "kept", "failed", "bytes", "version")


@dataclass(frozen=True, slots=True)
class Failure:
    """One resource that was not delivered: where, why, what was expected and what was found."""

    path: str
    destination: str
    error: str
    message: str
    expected: str | None = None
    found: str | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> Failure:
        """Create it from a failed outcome."""
        return cls(
            outcome.path,
            outcome.destination,
            outcome.error or "failed",
            outcome.message or "",
            outcome.expected,
            outcome.found,
        )

    def __str__(self) -> str:
        """Return one line."""
        line = f"{self.path!r} at {self.destination}: {self.message}"
        if not self.expected or self.expected in self.message:
            return line
        return f"{line} (expected {self.expected}, found {self.found})"


@dataclass(frozen=True, slots=True)
class DestinationResult:
    """What a run did at one destination.

    `version` is its latest, and `new_version` whether this run created it; `files` and `size`
    (bytes) are its totals. `catalogued` counts files that the version lists while their bytes stay
    elsewhere, `dropped` files that were left out on purpose.
    """

    label: str
    address: str
    added: int = 0
    replaced: int = 0
    removed: int = 0
    kept: int = 0
    failed: int = 0
    bytes: int = 0
    version: int = 0
    new_version: bool = False
    files: int = 0
    size: int = 0
    catalogued: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a run did: one row per destination, and everything that failed.

    The counts of the whole result are sums over its destinations; `version` maps each
    destination's label to the number of its latest version.
    """

    run_id: str
    plan_id: str | None
    source: str
    source_version: int | None
    destinations: tuple[DestinationResult, ...]
    failures: tuple[Failure, ...] = ()
    batches: int = 0
    seconds: float = 0.0
    unchanged_since: str | None = None  # id of the last run, if this one was skipped
    drops: tuple[Failure, ...] = ()  # files left out on purpose, each with the reason
    webhook_failures: tuple[str, ...] = ()  # a line per batch that the webhook did not accept
    gaps: tuple[FoundGap, ...] = ()  # what the listings could not see; nothing there was removed
    allowed_gaps: tuple[FoundGap, ...] = ()  # the same, accepted by `allow_gaps`

    @property
    def added(self) -> int:
        """Return how many resources were new, over all destinations."""
        return sum(row.added for row in self.destinations)

    @property
    def replaced(self) -> int:
        """Return how many resources were replaced, over all destinations."""
        return sum(row.replaced for row in self.destinations)

    @property
    def removed(self) -> int:
        """Return how many resources were removed, over all destinations."""
        return sum(row.removed for row in self.destinations)

    @property
    def kept(self) -> int:
        """Return how many resources were already there, over all destinations."""
        return sum(row.kept for row in self.destinations)

    @property
    def failed(self) -> int:
        """Return how many resources failed, over all destinations."""
        return sum(row.failed for row in self.destinations)

    @property
    def bytes(self) -> int:
        """Return how many bytes were written, over all destinations."""
        return sum(row.bytes for row in self.destinations)

    @property
    def catalogued(self) -> int:
        """Return how many resources were catalogued and not moved, over all destinations."""
        return sum(row.catalogued for row in self.destinations)

    @property
    def dropped(self) -> int:
        """Return how many resources were left out on purpose, over all destinations."""
        return sum(row.dropped for row in self.destinations)

    @property
    def version(self) -> dict[str, int]:
        """Return the latest version of each destination, by label."""
        return {row.label: row.version for row in self.destinations}

    @property
    def changed(self) -> bool:
        """Return whether anything was written, removed or catalogued."""
        return bool(self.added or self.replaced or self.removed or self.catalogued)

    def __getitem__(self, label: str | int) -> DestinationResult:
        """Return the row of a destination, by its label, address or position."""
        if isinstance(label, int):
            return self.destinations[label]
        for row in self.destinations:
            if label in (row.label, row.address):
                return row
        raise KeyError(label)

    def summary(self) -> str:
        """Return one sentence."""
        if not self.gaps:
            return self._changes()
        places = "1 place" if len(self.gaps) == 1 else f"{len(self.gaps):,} places"
        return f"{places} could not be seen; {self._changes()}"

    def _changes(self) -> str:
        count = len(self.destinations)
        ends = f"{count:,} destination" + ("s" if count > 1 else "")
        if self.failed or self.failures:
            files = "1 file" if self.failed == 1 else f"{self.failed:,} files"
            what = f"{files} failed" if self.failed else "source not fully cleaned up"
            return f"{what}, {self.added + self.replaced:,} written to {ends}"
        if self.unchanged_since is not None:
            return f"skipped: nothing changed since run {self.unchanged_since}"
        if not self.changed:
            if self.dropped:
                return f"{self.dropped:,} dropped, nothing else to do: {ends}"
            return f"nothing to do: {ends} up to date"
        if self.catalogued:
            return (
                f"{self.catalogued:,} catalogued (their bytes stay at the source), "
                f"{self.removed:,} removed, for {ends}"
            )
        dropped = f"{self.dropped:,} dropped, " if self.dropped else ""
        return (
            f"{self.added:,} added, {self.replaced:,} replaced, {self.removed:,} removed, {dropped}"
            f"{format_bytes(self.bytes)} written to {ends}"
        )

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping per destination."""
        return [
            dict(
                zip(
                    _COLUMNS,
                    (
                        row.label,
                        f"{row.added:,}",
                        f"{row.replaced:,}",
                        f"{row.removed:,}",
                        f"{row.kept:,}",
                        f"{row.failed:,}",
                        format_bytes(row.bytes),
                        f"{row.version}{' (new)' if row.new_version else ''}",
                    ),
                    strict=True,
                )
            )
            | ({"catalogued": f"{row.catalogued:,}"} if self.catalogued else {})
            | ({"dropped": f"{row.dropped:,}"} if self.dropped else {})
            for row in self.destinations
        ]

    def _columns(self) -> tuple[str, ...]:
        optional = (("catalogued", self.catalogued), ("dropped", self.dropped))
        return (*_COLUMNS, *(name for name, count in optional if count))

    def __str__(self) -> str:
        """Return the table as text."""
        lines = [f"{self.source}: {self.summary()} in {self.seconds:.1f} s"]
        lines += text_table(self._columns(), self.rows())
        lines += [f"  failed: {failure}" for failure in self.failures[:MAX_LINES]]
        lines += _gap_lines(self.gaps)
        lines += [f"  not seen, and accepted: {gap}" for gap in self.allowed_gaps[:MAX_LINES]]
        lines += [f"  dropped: {drop}" for drop in self.drops[:MAX_LINES]]
        lines += [f"  warning: {failure}" for failure in self.webhook_failures[:MAX_LINES]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the table, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        details: tuple[tuple[str, Sequence[object]], ...] = (
            ("failed", self.failures),
            ("dropped", self.drops),
            ("not seen", self.gaps),
            ("not seen, and accepted", self.allowed_gaps),
            ("warning", self.webhook_failures),
        )
        lines = "".join(
            f"<li>{kind}: {html.escape(str(item))}</li>"
            for kind, items in details
            for item in items[:MAX_LINES]
        )
        return (
            f"<p>{html.escape(self.source)}: {html.escape(self.summary())}</p>"
            + html_table(self._columns(), self.rows())
            + (f"<ul>{lines}</ul>" if lines else "")
        )


class SyncFailed(CatalogError):
    """A run ended with failures; `result` has the details, and delivered files stay."""

    def __init__(self, result: SyncResult) -> None:
        """List the first failures and gaps."""
        more = len(result.failures) - MAX_LINES
        lines = [result.summary(), *(f"  {failure}" for failure in result.failures[:MAX_LINES])]
        if more > 0:
            lines.append(f"  … and {more:,} more: `entrepot runs {result.run_id}` lists them")
        lines += _gap_lines(result.gaps)
        super().__init__("\n".join(lines))
        self.result = result


def _gap_lines(gaps: Sequence[FoundGap]) -> list[str]:
    """Return a line for each of the first gaps, and what to do."""
    if not gaps:
        return []
    lines = [f"  not seen: {gap}" for gap in gaps[:MAX_LINES]]
    more = [f"  … and {len(gaps) - MAX_LINES:,} more"] if len(gaps) > MAX_LINES else []
    return [*lines, *more, f"  {GAP_ADVICE}"]


def failures_of(outcomes: Sequence[Outcome]) -> tuple[Failure, ...]:
    """Return the failures among outcomes, in their order."""
    return tuple(Failure.of(outcome) for outcome in outcomes if outcome.error is not None)
