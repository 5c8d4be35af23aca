"""Reclaim: free space by removing files that can be fetched again when they are needed.

from flows.reclaim import reclaim
reclaim(["s3-cache"], dry_run=True)    # reports how much would be freed
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from blocks.readable_repositories import readable_repositories
from blocks.repository import Layout, Repository
from blocks.reserved_folders import history_folder
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.formats.quantities import format_bytes
from catalog.settings import Settings
from flows.forms.run_names import short_name
from flows.results.table import html_table, text_table
from flows.runs.active_run import ActiveRun
from flows.runs.planning import unique_destinations
from flows.runs.verb import verb
from orchestration.run import run_logger, run_parameters
from tasks.cleanup.reclaim import Reclaimed, reclaim_files

MAX_LINES = 20  # kept files in the text
_COLUMNS = ("repository", "files", "size", "kept")


class KeptVersion(BaseModel):
    """A version whose files are kept."""

    model_config = ConfigDict(extra="forbid")

    repository: Repository | str
    version: int | None = Field(default=None, description="Its number; by default the latest.")


@dataclass(frozen=True, slots=True)
class ReclaimResult:
    """What was, or would be, removed, one row per repository; true if there was anything."""

    run_id: str
    repositories: tuple[Reclaimed, ...]
    dry_run: bool

    def __bool__(self) -> bool:
        """Return whether anything was, or would be, removed."""
        return bool(self.files)

    @property
    def files(self) -> int:
        """Return how many files were, or would be, removed."""
        return sum(row.files for row in self.repositories)

    @property
    def bytes(self) -> int:
        """Return how many bytes were, or would be, freed."""
        return sum(row.bytes for row in self.repositories)

    def summary(self) -> str:
        """Return one sentence."""
        left = sum(row.left for row in self.repositories)
        kept = f"; {left:,} kept, since no other copy is confirmed" if left else ""
        if not self.files:
            return f"nothing to reclaim{kept}"
        done = "would be reclaimed" if self.dry_run else "reclaimed"
        return f"{self.files:,} files {done}, {format_bytes(self.bytes)}{kept}"

    def table(self) -> list[dict[str, str]]:
        """Return the table, one mapping per repository."""
        return [
            {
                "repository": row.label,
                "files": f"{row.files:,}",
                "size": format_bytes(row.bytes),
                "kept": f"{row.left:,}",
            }
            for row in self.repositories
        ]

    def __str__(self) -> str:
        """Return the sentence, the table, and the first files that were kept."""
        kept = [
            f"  kept: {file.path!r} at {row.label}: {file.why}"
            for row in self.repositories
            for file in row.named
        ]
        return "\n".join([self.summary(), *text_table(_COLUMNS, self.table()), *kept[:MAX_LINES]])

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        return f"<p>{html.escape(self.summary())}</p>" + html_table(_COLUMNS, self.table())


def _name() -> str:
    given = run_parameters().get("repositories", ())
    return f"reclaim {', '.join(map(short_name, given))}"[:200]


@verb("reclaim", _name)
def reclaim(
    repositories: list[Repository | str],
    *,
    keep_versions: list[KeptVersion] | None = None,
    sources: list[Repository | str] | None = None,
    dry_run: bool = False,
) -> ReclaimResult:
    """Remove stored files whose bytes were just confirmed to be elsewhere.

    The files stay in every version as catalogued only, and `fetch` or a sync brings them back. The
    last copy is never removed: copies in the reclaimed repositories do not count as elsewhere.

    Args:
        repositories: Where to free space: repositories, names of their blocks, paths or URLs.
        keep_versions: Versions of any repository whose files are kept.
        sources: More repositories that may have the bytes, besides the stored ones.
        dry_run: Report what would be removed, without removing anything.

    Returns:
        What was removed and what was kept, one row per repository.

    Raises:
        NotRecorded: a version to keep does not exist.
    """
    ends = unique_destinations([resolved(reference) for reference in repositories])
    for end in ends:
        if end.layout is not Layout.PATH:
            raise InvalidInput(
                f"{end.label!r} cannot be reclaimed: with the layout {end.layout.value!r} every "
                "listed file must be stored"
            )
    catalog = Catalog.open(Settings())
    kept: list[tuple[str, int]] = []
    for keep in keep_versions or ():
        address = resolved(keep.repository).address
        kept.append((address, catalog.versions.choose(address, keep.version).number))
    chosen = [place.address for end in ends for place in (end, history_folder(end))]
    copies = {
        copy.address: None
        for end in ends
        for candidate in catalog.origins.reclaim_candidates(end.address, chosen, kept)
        for copy in candidate.copies
    }
    places = readable_repositories(copies, list(map(resolved, sources or ())))
    # The other copies are locked too, so that no other reclaim removes them in the meantime.
    with ActiveRun("reclaim", ends[0], ends, writes=(*ends, *places)) as run:
        run_id = run.job.run_id
        result = ReclaimResult(
            run_id,
            tuple(
                reclaim_files(end, places, chosen, kept, run_id, dry_run=dry_run) for end in ends
            ),
            dry_run,
        )
        run.end("completed", result.summary())
    run_logger().info("%s", result.summary())
    return result
