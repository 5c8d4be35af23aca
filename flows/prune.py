"""Prune: remove what killed runs left behind, history that no version needs, and old records.

from flows.prune import prune
prune("s3-archive", dry_run=True)      # says what would go
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.model.digest import Digest
from flows.forms.run_names import run_name
from flows.results.sync import human
from flows.results.table import html_table, text_table
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from tasks.cleanup.prune import (
    PrunedItems,
    PruneRule,
    prune_content,
    prune_history,
    prune_temporary,
    prune_uploads,
)
from tasks.cleanup.prune_versioned import prune_numbers

BYTES = (prune_history, prune_content, prune_numbers)
STEPS = (prune_temporary, prune_uploads, *BYTES)
SHOWN = 20  # names that are told
_COLUMNS = ("kind", "count", "size")


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What went, or would go: temporary files, unfinished uploads, history, rows of old runs."""

    run_id: str
    repository: str  # label
    rubbish: tuple[PrunedItems, ...]
    rows: int  # of the catalog
    dry_run: bool

    def __bool__(self) -> bool:
        """Say whether there was anything."""
        return bool(self.rows or any(one.names for one in self.rubbish))

    @property
    def bytes(self) -> int:
        """Return how many bytes were freed, as far as storages tell sizes."""
        return sum(one.bytes for one in self.rubbish)

    def summary(self) -> str:
        """Return one sentence."""
        told = [f"{len(one.names)} {one.kind}" for one in self.rubbish if one.names]
        told += [f"{self.rows} rows of old runs"] if self.rows else []
        if not told:
            return "nothing to prune"
        done = "would be removed" if self.dry_run else "removed"
        return f"{', '.join(told)} {done}, {human(self.bytes)}"

    def table(self) -> list[dict[str, str]]:
        """Return the table, one mapping a kind."""
        return [
            {"kind": one.kind, "count": str(len(one.names)), "size": human(one.bytes)}
            for one in self.rubbish
        ]

    def __str__(self) -> str:
        """Return the sentence, the table, and the first names."""
        lines = [f"{self.repository}: {self.summary()}", *text_table(_COLUMNS, self.table())]
        names = [f"  {one.kind}: {name}" for one in self.rubbish for name in one.names]
        return "\n".join(lines + names[:SHOWN])

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        told = f"<p>{html.escape(self.repository)}: {html.escape(self.summary())}</p>"
        return told + html_table(_COLUMNS, self.table())


@verb("prune", run_name)
def prune(
    repository: Repository | str,
    *,
    protect_hours: float = 24.0,
    records_days: float | None = 90.0,
    digests: list[str] | None = None,
    dry_run: bool = False,
) -> PruneResult:
    """Remove what a repository holds besides its files and needs no more.

    That is: temporary files and unfinished uploads of killed runs, and files of the history, or
    of the layouts `content` and `versioned`, that no version needs, because `retain` or
    `delete-version` let go of them.

    Args:
        repository: What to prune: a repository, its block's name, a path or a URL.
        protect_hours: What is younger is left alone: a run may be at work on it.
        records_days: How long the catalog remembers what runs did file by file; none for ever.
        digests: Let go only of bytes with one of these sha256 digests, and of nothing else.
        dry_run: Say what would go, and remove nothing.

    Returns:
        What went, by kind.

    Raises:
        InvalidInput: a time is below 0, or `digests` names none, or something else.
    """
    if protect_hours < 0 or (records_days is not None and records_days < 0):
        raise InvalidInput("protection is a time of 0 or more")
    end = resolved(repository)
    now = datetime.now(UTC)
    rule = PruneRule(now - timedelta(hours=protect_hours), dry_run, _only(digests))
    with ActiveRun("prune", end, (end,)) as run:
        run_id = run.job.run_id
        rubbish = tuple(step(end, rule, run_id) for step in (STEPS if digests is None else BYTES))
        rows = 0
        if records_days is not None and digests is None:
            rows = run.catalog.upkeep.prune_details(
                now - timedelta(days=records_days), dry_run=dry_run
            )
        result = PruneResult(run_id, end.label, rubbish, rows, dry_run)
        run.end("completed", result.summary())
    get_run_logger().info("%s", result.summary())
    return result


def _only(digests: list[str] | None) -> frozenset[str] | None:
    if digests is None:
        return None
    if not digests:
        raise InvalidInput("no digest is given: nothing could go; leave them out for all")
    found = [Digest.parse(one) for one in digests]
    for one in found:
        if one.algorithm != "sha256":
            raise InvalidInput(f"bytes are known by their sha256, not by {one}")
    return frozenset(one.value for one in found)
