"""The result of `plan`: a stored plan, which prints as a table and is false if it does nothing."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.catalog import Catalog
from catalog.formats.quantities import format_bytes, format_duration
from catalog.model.gap import FoundGap
from catalog.model.plan import Action, Plan, Policy, Tally
from catalog.model.run import PlanRow
from catalog.rules.guards import GuardViolation
from flows.results.table import html_table, text_table

if TYPE_CHECKING:
    import polars as pl

MAX_GAPS = 20  # in the text
_TOTALS = ("destination", "add", "replace", "remove", "keep", "to write", "to remove")
_WHEN_FETCHED = {Policy.ON_DEMAND: "at the first request", Policy.STREAMED: "at each request"}
_ROWS = ("action", "path", "destination", "size", "reason")


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A stored plan: totals for each destination, its first rows, and the guards that it crosses.

    `rows` are the first rows that change something; `every` reads all rows from the catalog.
    """

    plan: Plan
    source: str  # label
    labels: tuple[str, ...]  # of the destinations, in the plan's order
    rows: tuple[PlanRow, ...]
    crossed: tuple[GuardViolation, ...] = ()
    gaps: tuple[FoundGap, ...] = ()
    """What the listings could not see; the plan removes nothing there."""

    @property
    def plan_id(self) -> str:
        """Return the id that `apply` takes."""
        return self.plan.plan_id

    @property
    def digest(self) -> str:
        """Return the sha256 of the plan's content: equal plans have equal digests."""
        return self.plan.digest

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Return the totals, one for each destination."""
        return self.plan.tallies

    def __bool__(self) -> bool:
        """Return whether the plan changes anything."""
        return bool(self.plan)

    def every(self, action: Action | None = None) -> list[PlanRow]:
        """Return all rows, including those that keep a file, or those of one action."""
        return Catalog.open().plans.rows(self.plan_id, action)

    def frame(self) -> pl.DataFrame:
        """Return all rows as a polars DataFrame."""
        import polars as pl  # noqa: PLC0415  # costs 0.1 s, and only notebooks want it

        return pl.DataFrame(self.every())

    def totals(self) -> list[dict[str, str]]:
        """Return the totals, one mapping per destination."""
        return [
            dict(
                zip(
                    _TOTALS,
                    (
                        label,
                        f"{tally.add:,}",
                        f"{tally.replace:,}",
                        f"{tally.remove:,}",
                        f"{tally.keep:,}",
                        format_bytes(tally.bytes),
                        format_bytes(tally.removed_bytes),
                    ),
                    strict=True,
                )
            )
            for label, tally in zip(self.labels, self.tallies, strict=True)
        ]

    def table(self) -> list[dict[str, str]]:
        """Return the first rows, one mapping each."""
        return [
            {
                "action": row.action,
                "path": row.path,
                "destination": row.destination,
                "size": "" if row.size is None else format_bytes(row.size),
                "reason": row.reason,
            }
            for row in self.rows
        ]

    def summary(self) -> str:
        """Return one sentence."""
        if not self:
            return f"plan {self.plan_id}: nothing to do"
        add, replace, remove = (
            sum(getattr(tally, name) for tally in self.tallies)
            for name in ("add", "replace", "remove")
        )
        changes = f"plan {self.plan_id}: add {add:,}, replace {replace:,}, remove {remove:,}"
        if self.plan.policy is not Policy.IMMEDIATE:
            when = _WHEN_FETCHED[self.plan.policy]
            return f"{changes}, write nothing: the bytes are fetched {when}"
        written = sum(tally.bytes for tally in self.tallies)
        return f"{changes}, write {format_bytes(written)}{self._forecast()}"

    def _forecast(self) -> str:
        forecast = self.plan.forecast
        if forecast is None:
            return ""
        text = f" with {forecast.requests:,} requests"
        if forecast.seconds is not None:
            runs = "1 earlier run" if forecast.samples == 1 else f"{forecast.samples} earlier runs"
            text += f" in about {format_duration(max(1, round(forecast.seconds)))}, based on {runs}"
        return text

    def __str__(self) -> str:
        """Return the totals and the first rows as text."""
        lines = [f"{self.source}: {self.summary()}", *text_table(_TOTALS, self.totals())]
        lines += [f"  crosses a guard: {violation}" for violation in self.crossed]
        lines += [f"  not seen: {gap}" for gap in self.gaps[:MAX_GAPS]]
        if self.rows:
            lines += text_table(_ROWS, self.table(), ("path", "destination", "reason"))
        changes = sum(tally.add + tally.replace + tally.remove for tally in self.tallies)
        more = changes - len(self.rows)
        return "\n".join([*lines, f"  … and {more:,} more rows"] if more > 0 else lines)

    def __repr__(self) -> str:
        """Return the tables, so that an interactive prompt shows them."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the tables for notebooks."""
        warnings = (*self.crossed, *self.gaps[:MAX_GAPS])
        items = "".join(f"<li>{html.escape(str(warning))}</li>" for warning in warnings)
        return (
            f"<p>{html.escape(self.source)}: {html.escape(self.summary())}</p>"
            + html_table(_TOTALS, self.totals())
            + (f"<ul>{items}</ul>" if items else "")
            + html_table(_ROWS, self.table())
        )
