"""What the listings of a run could not see, and how it is reported.

A gap that the selection leaves out is ignored. One that `allow_gaps` matches is only reported. Any
other fails the run at its end, after everything else is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from catalog.model.gap import FoundGap
from flows.forms.options import Options
from flows.results.events import emit_listing_incomplete
from orchestration.run import run_logger
from tasks.job import Job

MAX_NAMED = 20  # gaps in a log or message
ROLES = ("source", "destination", "markers")  # of listings whose gaps count


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a run's listings could not see, within its selection."""

    open: tuple[FoundGap, ...] = ()
    allowed: tuple[FoundGap, ...] = ()


class ListingIncomplete(CatalogError):
    """A listing is incomplete, and what it contains is not enough to continue."""

    def __init__(self, gaps: tuple[FoundGap, ...], what: str) -> None:
        """List the first gaps after `what`, the consequence."""
        more = [f"… and {len(gaps) - MAX_NAMED:,} more"] if len(gaps) > MAX_NAMED else []
        lines = [what, *map(str, gaps[:MAX_NAMED]), *more]
        super().__init__("\n  ".join(lines))
        self.gaps = gaps


def collect_gaps(catalog: Catalog, run_id: str, options: Options) -> Gaps:
    """Return what a run's listings could not see, divided by whether it is accepted."""
    gaps = [
        found
        for found in catalog.runs.gaps(run_id)
        if found.role in ROLES and found.gap.affects(options.selection)
    ]
    allowed = tuple(found for found in gaps if found.gap.matches(options.allow_gaps))
    return Gaps(tuple(found for found in gaps if found not in allowed), allowed)


def report_gaps(job: Job, gaps: Gaps) -> None:
    """Log the gaps, and emit an event for each repository with a gap that was not accepted."""
    logger = run_logger()
    for found in gaps.open[:MAX_NAMED]:
        logger.warning("%s", found)
    for found in gaps.allowed[:MAX_NAMED]:
        logger.info("%s; accepted by allow_gaps", found)
    for repository in {end.address: end for end in (job.source, *job.destinations)}.values():
        own = [found for found in gaps.open if found.address == repository.address]
        if own:
            emit_listing_incomplete(repository, own, job.run_id)
