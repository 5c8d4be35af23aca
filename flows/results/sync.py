"""What a flow returns: values that print as a table, in a terminal and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.model.gap import GAP_ADVICE, FoundGap
from catalog.model.outcome import Outcome
from flows.results.table import html_table, text_table

SHOWN = 20  # failures that a message names

_COLUMNS = ("destination", "added", "replaced", "removed", "kept", "failed", "bytes", "version")


@dataclass(frozen=True, slots=True)
class Failure:
    """One resource that did not arrive: where, why, what was expected and what was found."""

    path: str
    destination: str
    error: str
    message: str
    expected: str | None = None
    found: str | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> Failure:
        """Take a failed outcome."""
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
        facts = f" (expected {self.expected}, found {self.found})" if self.expected else ""
        told = self.expected is not None and self.expected in self.message
        return f"{self.path!r} at {self.destination}: {self.message}{'' if told else facts}"


@dataclass(frozen=True, slots=True)
class DestinationResult:
    """What a run did at one destination.

    `version` is its latest, `made` says whether it is new; `files` and `size` (bytes) are all that
    it holds. `catalogued` counts what its version lists from now on while its bytes stay elsewhere,
    `dropped` what was left out on purpose.
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
    made: bool = False
    files: int = 0
    size: int = 0
    catalogued: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a run did: one row a destination, and everything that failed, by name.

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
    same_as: str | None = None  # the run after which nothing changed, where this one was skipped
    drops: tuple[Failure, ...] = ()  # what was left out on purpose, each with its reason
    untold: tuple[str, ...] = ()  # what the webhook did not take, a line a batch
    gaps: tuple[FoundGap, ...] = ()  # what the listings could not see: nothing there was removed
    allowed_gaps: tuple[FoundGap, ...] = ()  # the same, accepted by `allow_gaps`

    @property
    def added(self) -> int:
        """Return how many resources were new, over all destinations."""
        return sum(one.added for one in self.destinations)

    @property
    def replaced(self) -> int:
        """Return how many resources were written anew, over all destinations."""
        return sum(one.replaced for one in self.destinations)

    @property
    def removed(self) -> int:
        """Return how many resources were removed, over all destinations."""
        return sum(one.removed for one in self.destinations)

    @property
    def kept(self) -> int:
        """Return how many resources were there already, over all destinations."""
        return sum(one.kept for one in self.destinations)

    @property
    def failed(self) -> int:
        """Return how many resources failed, over all destinations."""
        return sum(one.failed for one in self.destinations)

    @property
    def bytes(self) -> int:
        """Return how many bytes were written, over all destinations."""
        return sum(one.bytes for one in self.destinations)

    @property
    def catalogued(self) -> int:
        """Return how many resources were catalogued and not moved, over all destinations."""
        return sum(one.catalogued for one in self.destinations)

    @property
    def dropped(self) -> int:
        """Return how many resources were left out on purpose, over all destinations."""
        return sum(one.dropped for one in self.destinations)

    @property
    def version(self) -> dict[str, int]:
        """Return the latest version of each destination, by label."""
        return {one.label: one.version for one in self.destinations}

    @property
    def changed(self) -> bool:
        """Say whether anything was moved, removed or catalogued."""
        return bool(self.added or self.replaced or self.removed or self.catalogued)

    def __getitem__(self, label: str | int) -> DestinationResult:
        """Return one destination's row, by label, address or position."""
        if isinstance(label, int):
            return self.destinations[label]
        for one in self.destinations:
            if label in (one.label, one.address):
                return one
        raise KeyError(label)

    def summary(self) -> str:
        """Return one sentence."""
        if not self.gaps:
            return self._done()
        places = "1 place" if len(self.gaps) == 1 else f"{len(self.gaps):,} places"
        return f"{places} could not be seen; {self._done()}"

    def _done(self) -> str:
        ends = f"{len(self.destinations)} destination" + ("s" if len(self.destinations) > 1 else "")
        if self.failed or self.failures:
            what = f"{self.failed} resources failed" if self.failed else "not all cleaned up"
            return f"{what}, {self.added + self.replaced} moved, to {ends}"
        if self.same_as is not None:
            return f"skipped: nothing changed since run {self.same_as}"
        if not self.changed:
            if self.dropped:
                return f"{self.dropped} dropped, nothing else to do: {ends}"
            return f"nothing to do: {ends} up to date"
        if self.catalogued:
            return (
                f"{self.catalogued} catalogued, their bytes stay at the source, "
                f"{self.removed} removed, for {ends}"
            )
        dropped = f"{self.dropped} dropped, " if self.dropped else ""
        return (
            f"{self.added} added, {self.replaced} replaced, {self.removed} removed, {dropped}"
            f"{human(self.bytes)} written to {ends}"
        )

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping a destination."""
        return [
            dict(
                zip(
                    _COLUMNS,
                    (
                        one.label,
                        str(one.added),
                        str(one.replaced),
                        str(one.removed),
                        str(one.kept),
                        str(one.failed),
                        human(one.bytes),
                        f"{one.version}{' (new)' if one.made else ''}",
                    ),
                    strict=True,
                )
            )
            | ({"catalogued": str(one.catalogued)} if self.catalogued else {})
            | ({"dropped": str(one.dropped)} if self.dropped else {})
            for one in self.destinations
        ]

    def _columns(self) -> tuple[str, ...]:
        more = (("catalogued", self.catalogued), ("dropped", self.dropped))
        return (*_COLUMNS, *(name for name, count in more if count))

    def __str__(self) -> str:
        """Return the table as text."""
        lines = [f"{self.source}: {self.summary()} in {self.seconds:.1f} s"]
        lines += text_table(self._columns(), self.rows())
        lines += [f"  failed: {failure}" for failure in self.failures[:SHOWN]]
        lines += _unseen(self.gaps)
        lines += [f"  not seen, and accepted: {one}" for one in self.allowed_gaps[:SHOWN]]
        lines += [f"  dropped: {one}" for one in self.drops[:SHOWN]]
        lines += [f"  warning: {one}" for one in self.untold[:SHOWN]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the table, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        named: list[tuple[str, object]] = [("failed", one) for one in self.failures[:SHOWN]]
        named += [("dropped", one) for one in self.drops[:SHOWN]]
        named += [("not seen", one) for one in self.gaps[:SHOWN]]
        named += [("not seen, and accepted", one) for one in self.allowed_gaps[:SHOWN]]
        told = [(kind, str(one)) for kind, one in named]
        told += [("warning", one) for one in self.untold[:SHOWN]]
        lines = "".join(f"<li>{kind}: {html.escape(one)}</li>" for kind, one in told)
        return (
            f"<p>{html.escape(self.source)}: {html.escape(self.summary())}</p>"
            + html_table(self._columns(), self.rows())
            + (f"<ul>{lines}</ul>" if lines else "")
        )


class SyncFailed(CatalogError):
    """A run ended with failures; `result` tells everything, what arrived stays."""

    def __init__(self, result: SyncResult) -> None:
        """Name the failures, the first of them in full."""
        more = len(result.failures) - SHOWN
        lines = [result.summary(), *(f"  {failure}" for failure in result.failures[:SHOWN])]
        if more > 0:
            lines.append(f"  … and {more} more, in the catalog under run {result.run_id}")
        lines += _unseen(result.gaps)
        super().__init__("\n".join(lines))
        self.result = result


def _unseen(gaps: Sequence[FoundGap]) -> list[str]:
    """Return a line for each of the first gaps, and what to do."""
    if not gaps:
        return []
    lines = [f"  not seen: {one}" for one in gaps[:SHOWN]]
    more = [f"  … and {len(gaps) - SHOWN:,} more"] if len(gaps) > SHOWN else []
    return [*lines, *more, f"  {GAP_ADVICE}"]


def human(count: int) -> str:
    """Return bytes as people write them.

    >>> human(1536), human(12)
    ('1.5 KiB', '12 B')
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def failures_of(outcomes: Sequence[Outcome]) -> tuple[Failure, ...]:
    """Return what failed, in the order recorded."""
    return tuple(Failure.of(one) for one in outcomes if one.error is not None)
