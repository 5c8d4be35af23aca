"""What `plan` returns: a stored plan that prints as a table and is false when nothing is to do."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.catalog import Catalog
from catalog.model.gap import FoundGap
from catalog.model.plan import Action, Plan, Policy, Tally
from catalog.model.run import PlanRow
from catalog.rules.guards import GuardViolation
from flows.results.sync import human
from flows.results.table import html_table, text_table

if TYPE_CHECKING:
    import polars as pl

SHOWN = 20  # gaps that are named
_TOTALS = ("destination", "add", "replace", "remove", "keep", "to write", "to remove")
_WHEN = {Policy.ON_DEMAND: "at their first request", Policy.STREAMED: "at each request"}
_ROWS = ("action", "path", "destination", "size", "reason")


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan as it was stored: totals for each destination, its first rows, the guards it crosses.

    `rows` holds the first of those that ask for something; `every` asks the catalog for all.
    """

    plan: Plan
    source: str  # label
    labels: tuple[str, ...]  # of the destinations, in the plan's order
    rows: tuple[PlanRow, ...]
    crossed: tuple[GuardViolation, ...] = ()
    gaps: tuple[FoundGap, ...] = ()
    """What could not be seen when the plan was made; it removes nothing there."""

    @property
    def plan_id(self) -> str:
        """Return the id that `apply` takes."""
        return self.plan.plan_id

    @property
    def digest(self) -> str:
        """Return the sha256 of what the plan says: equal plans have equal digests."""
        return self.plan.digest

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Return the totals, one for each destination."""
        return self.plan.tallies

    def __bool__(self) -> bool:
        """Say whether anything is to be done."""
        return bool(self.plan)

    def every(self, action: Action | None = None) -> list[PlanRow]:
        """Return all rows, those that keep a file too, or those of one action."""
        return Catalog.open().plans.rows(self.plan_id, action)

    def frame(self) -> pl.DataFrame:
        """Return all rows as a table of polars."""
        import polars as pl  # noqa: PLC0415  # costs 0.1 s, and only notebooks want it

        return pl.DataFrame(self.every())

    def totals(self) -> list[dict[str, str]]:
        """Return the totals, one mapping a destination."""
        return [
            dict(
                zip(
                    _TOTALS,
                    (
                        label,
                        str(one.add),
                        str(one.replace),
                        str(one.remove),
                        str(one.keep),
                        human(one.bytes),
                        human(one.removed_bytes),
                    ),
                    strict=True,
                )
            )
            for label, one in zip(self.labels, self.tallies, strict=True)
        ]

    def table(self) -> list[dict[str, str]]:
        """Return the first rows, one mapping each."""
        return [
            {
                "action": one.action,
                "path": one.path,
                "destination": one.destination,
                "size": "" if one.size is None else human(one.size),
                "reason": one.reason,
            }
            for one in self.rows
        ]

    def summary(self) -> str:
        """Return one sentence."""
        if not self:
            return f"plan {self.plan_id}: nothing to do"
        add, replace, remove = (
            sum(getattr(one, name) for one in self.tallies) for name in ("add", "replace", "remove")
        )
        told = f"plan {self.plan_id}: add {add}, replace {replace}, remove {remove}"
        if self.plan.policy is not Policy.IMMEDIATE:
            return f"{told}, write nothing: the bytes are fetched {_WHEN[self.plan.policy]}"
        return f"{told}, write {human(sum(one.bytes for one in self.tallies))}{self._cost()}"

    def _cost(self) -> str:
        cost = self.plan.forecast
        if cost is None:
            return ""
        told = f" with {cost.requests} requests"
        if cost.seconds is not None:
            runs = "a former run" if cost.samples == 1 else f"{cost.samples} former runs"
            told += f" in about {cost.seconds:.0f} s, by {runs}"
        return told

    def __str__(self) -> str:
        """Return the totals and the first rows as text."""
        lines = [f"{self.source}: {self.summary()}", *text_table(_TOTALS, self.totals())]
        lines += [f"  crosses a guard: {one}" for one in self.crossed]
        lines += [f"  not seen: {one}" for one in self.gaps[:SHOWN]]
        if self.rows:
            lines += text_table(_ROWS, self.table(), words=("path", "destination", "reason"))
        more = sum(one.add + one.replace + one.remove for one in self.tallies) - len(self.rows)
        return "\n".join([*lines, f"  … and {more} more rows"] if more > 0 else lines)

    def __repr__(self) -> str:
        """Return the tables, so that a bare `plan` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the tables for notebooks."""
        told = (*self.crossed, *self.gaps[:SHOWN])
        crossed = "".join(f"<li>{html.escape(str(one))}</li>" for one in told)
        return (
            f"<p>{html.escape(self.source)}: {html.escape(self.summary())}</p>"
            + html_table(_TOTALS, self.totals())
            + (f"<ul>{crossed}</ul>" if crossed else "")
            + html_table(_ROWS, self.table())
        )
