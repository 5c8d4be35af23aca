"""What the listings of a run could not see: what stands against it, what was accepted, who is told.

A gap that the selection leaves out altogether concerns nobody. One that `allow_gaps` names is told
and does no harm. Any other fails the run at its end, when everything else is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from prefect.logging import get_run_logger

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from catalog.model.gap import FoundGap
from flows.forms.options import Options
from flows.results.events import listing_incomplete
from tasks.job import Job

NAMED = 20  # gaps that a log or message names
CONCERNING = ("source", "destination", "markers")


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a run's listings could not see, of what its selection lets through."""

    open: tuple[FoundGap, ...] = ()
    allowed: tuple[FoundGap, ...] = ()


class ListingIncomplete(CatalogError):
    """Something could not be seen, and what could be seen is not enough to go on."""

    def __init__(self, gaps: tuple[FoundGap, ...], what: str) -> None:
        """Name the first gaps, and what came of them."""
        more = [f"… and {len(gaps) - NAMED:,} more"] if len(gaps) > NAMED else []
        lines = [what, *(str(one) for one in gaps[:NAMED]), *more]
        super().__init__("\n  ".join(lines))
        self.gaps = gaps


def gaps_of(catalog: Catalog, run_id: str, options: Options) -> Gaps:
    """Return what a run's listings could not see, by whether it was accepted."""
    found = [
        one
        for one in catalog.runs.gaps(run_id)
        if one.role in CONCERNING and one.gap.affects(options.selection)
    ]
    allowed = tuple(one for one in found if one.gap.matches(options.allow_gaps))
    return Gaps(tuple(one for one in found if one not in allowed), allowed)


def report_gaps(job: Job, gaps: Gaps) -> None:
    """Log every gap, and send an event for each repository that has one that was not accepted."""
    logger = get_run_logger()
    for one in gaps.open[:NAMED]:
        logger.warning("%s", one)
    for one in gaps.allowed[:NAMED]:
        logger.info("%s; accepted by allow_gaps", one)
    for repository in {one.address: one for one in (job.source, *job.destinations)}.values():
        own = [one for one in gaps.open if one.address == repository.address]
        if own:
            listing_incomplete(repository, own, job.run_id)
