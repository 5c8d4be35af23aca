"""Reclaim: give space back by removing files that can be fetched again when they are wanted.

from flows.reclaim import reclaim
reclaim(["s3-cache"], dry_run=True)    # says how much would go
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from blocks.history import history_of
from blocks.readable_repositories import readable_repositories
from blocks.repository import Layout, Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.settings import Settings
from flows.forms.run_names import shown
from flows.results.sync import human
from flows.results.table import html_table, text_table
from flows.runs.active_run import ActiveRun
from flows.runs.planning import distinct
from flows.runs.verb import verb
from tasks.cleanup.reclaim import Reclaimed, reclaim_files

SHOWN = 20  # files that stayed and are told
_COLUMNS = ("repository", "files", "size", "stayed")


class KeptVersion(BaseModel):
    """A version whose bytes stay where they are stored."""

    model_config = ConfigDict(extra="forbid")

    repository: Repository | str
    version: int | None = Field(default=None, description="Its number; the latest by default.")


@dataclass(frozen=True, slots=True)
class ReclaimResult:
    """What went, or would go, one row a repository; true when there was anything."""

    run_id: str
    repositories: tuple[Reclaimed, ...]
    dry_run: bool

    def __bool__(self) -> bool:
        """Say whether anything went, or would go."""
        return bool(self.files)

    @property
    def files(self) -> int:
        """Return how many files went, or would go."""
        return sum(one.files for one in self.repositories)

    @property
    def bytes(self) -> int:
        """Return how many bytes were given back, or would be."""
        return sum(one.bytes for one in self.repositories)

    def summary(self) -> str:
        """Return one sentence."""
        left = sum(one.left for one in self.repositories)
        stayed = f"; {left} stayed, for their bytes are not surely elsewhere" if left else ""
        if not self.files:
            return f"nothing to reclaim{stayed}"
        done = "would be" if self.dry_run else "were"
        return f"{self.files} files {done} reclaimed, {human(self.bytes)}{stayed}"

    def table(self) -> list[dict[str, str]]:
        """Return the table, one mapping a repository."""
        return [
            {
                "repository": one.label,
                "files": str(one.files),
                "size": human(one.bytes),
                "stayed": str(one.left),
            }
            for one in self.repositories
        ]

    def __str__(self) -> str:
        """Return the sentence, the table, and the first files that stayed."""
        stayed = [
            f"  stayed: {left.path!r} at {one.label}: {left.why}"
            for one in self.repositories
            for left in one.named
        ]
        return "\n".join([self.summary(), *text_table(_COLUMNS, self.table()), *stayed[:SHOWN]])

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        return f"<p>{html.escape(self.summary())}</p>" + html_table(_COLUMNS, self.table())


def _name() -> str:
    given = dict(flow_run.parameters or {}).get("repositories", ())
    return f"reclaim {', '.join(shown(one) for one in given)}"[:200]


@verb("reclaim", _name)
def reclaim(
    repositories: list[Repository | str],
    *,
    keep_versions: list[KeptVersion] | None = None,
    sources: list[Repository | str] | None = None,
    dry_run: bool = False,
) -> ReclaimResult:
    """Remove stored files of repositories whose bytes were just seen to lie elsewhere.

    They stay in every version, are catalogued only, and `fetch` or a sync brings them back. A copy
    in another of the repositories that are reclaimed does not count, so the last one never goes.

    Args:
        repositories: Which give space back: repositories, their blocks' names, paths or URLs.
        keep_versions: Versions of any repository; what these contain stays.
        sources: Repositories that may hold the bytes, where no stored block leads to them.
        dry_run: Say what would go, and remove nothing.

    Returns:
        What went and what stayed, one row a repository.

    Raises:
        NotRecorded: there is no such version to keep.
    """
    ends = distinct([resolved(one) for one in repositories])
    for end in ends:
        if end.layout is not Layout.PATH:
            raise InvalidInput(
                f"{end.label!r} with the layout {end.layout.value!r} shows only what it holds: "
                "nothing of it can be reclaimed"
            )
    catalog = Catalog.open(Settings())
    kept: list[tuple[str, int]] = []
    for one in keep_versions or ():
        address = resolved(one.repository).address
        kept.append((address, catalog.versions.choose(address, one.version).number))
    chosen = [place.address for end in ends for place in (end, history_of(end))]
    held = {
        copy.address: None
        for end in ends
        for one in catalog.origins.reclaim_candidates(end.address, chosen, kept)
        for copy in one.copies
    }
    places = readable_repositories(held, [resolved(one) for one in sources or ()])
    # Nobody may take away the other copy meanwhile: another reclaim, say, that counts on ours.
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
    get_run_logger().info("%s", result.summary())
    return result
