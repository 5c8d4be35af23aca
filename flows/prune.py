"""Prune: remove leftovers of killed runs, history that no version needs, and old records.

from flows.prune import prune
prune("s3-archive", dry_run=True)      # reports what would be removed
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.formats.quantities import format_bytes
from catalog.model.digest import Digest
from flows.forms.run_names import run_name
from flows.results.table import html_table, text_table
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from orchestration.run import run_logger
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
MAX_NAMES = 20  # in the text
_COLUMNS = ("kind", "count", "size")


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What was, or would be, removed: temporary files, uploads, history, rows of old runs."""

    run_id: str
    repository: str  # label
    pruned: tuple[PrunedItems, ...]
    rows: int  # of the catalog
    dry_run: bool

    def __bool__(self) -> bool:
        """Return whether there was anything to remove."""
        return bool(self.rows or any(items.names for items in self.pruned))

    @property
    def bytes(self) -> int:
        """Return how many bytes were freed, as far as sizes are known."""
        return sum(items.bytes for items in self.pruned)

    def summary(self) -> str:
        """Return one sentence."""
        counts = [f"{len(items.names):,} {items.kind}" for items in self.pruned if items.names]
        counts += [f"{self.rows:,} rows of old runs"] if self.rows else []
        if not counts:
            return "nothing to prune"
        done = "would be removed" if self.dry_run else "removed"
        return f"{', '.join(counts)} {done}, {format_bytes(self.bytes)}"

    def table(self) -> list[dict[str, str]]:
        """Return the table, one mapping per kind."""
        return [
            {
                "kind": items.kind,
                "count": f"{len(items.names):,}",
                "size": format_bytes(items.bytes),
            }
            for items in self.pruned
        ]

    def __str__(self) -> str:
        """Return the sentence, the table, and the first names."""
        lines = [f"{self.repository}: {self.summary()}", *text_table(_COLUMNS, self.table())]
        names = [f"  {items.kind}: {name}" for items in self.pruned for name in items.names]
        return "\n".join(lines + names[:MAX_NAMES])

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        heading = f"<p>{html.escape(self.repository)}: {html.escape(self.summary())}</p>"
        return heading + html_table(_COLUMNS, self.table())


@verb("prune", run_name)
def prune(
    repository: Repository | str,
    *,
    protect_hours: float = 24.0,
    records_days: float | None = 90.0,
    digests: list[str] | None = None,
    dry_run: bool = False,
) -> PruneResult:
    """Remove data of a repository that is no longer needed.

    That is: temporary files and unfinished uploads of killed runs, and files of the history, or of
    the layouts `content` and `versioned`, that no version needs after `retain` or `delete-version`.

    Args:
        repository: The repository to prune: a repository, its block's name, a path or a URL.
        protect_hours: Keep anything younger than this, since a run may still use it.
        records_days: How long the catalog keeps the details of runs, file by file; none for ever.
        digests: Remove only files with one of these sha256 digests, and nothing else.
        dry_run: Report what would be removed, without removing anything.

    Returns:
        What was removed, by kind.

    Raises:
        InvalidInput: a time is negative, or `digests` is empty or has another kind of digest.
    """
    for name, value in (("protect_hours", protect_hours), ("records_days", records_days)):
        if value is not None and value < 0:
            raise InvalidInput(f"{name} cannot be negative, found {value:g}")
    end = resolved(repository)
    now = datetime.now(UTC)
    rule = PruneRule(now - timedelta(hours=protect_hours), dry_run, _parse_digests(digests))
    with ActiveRun("prune", end, (end,)) as run:
        run_id = run.job.run_id
        steps = STEPS if digests is None else BYTES
        pruned = tuple(step(end, rule, run_id) for step in steps)
        rows = 0
        if records_days is not None and digests is None:
            rows = run.catalog.maintenance.prune_details(
                now - timedelta(days=records_days), dry_run=dry_run
            )
        result = PruneResult(run_id, end.label, pruned, rows, dry_run)
        run.end("completed", result.summary())
    run_logger().info("%s", result.summary())
    return result


def _parse_digests(digests: list[str] | None) -> frozenset[str] | None:
    if digests is None:
        return None
    if not digests:
        raise InvalidInput("`digests` is empty: leave it out to prune everything")
    parsed = [Digest.parse(text) for text in digests]
    for digest in parsed:
        if digest.algorithm != "sha256":
            raise InvalidInput(f"expected sha256 digests, found {digest}")
    return frozenset(digest.value for digest in parsed)
