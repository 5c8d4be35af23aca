"""Reclaim: remove the files of a repository that can be fetched again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

from blocks.repository import Repository
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import Action
from catalog.model.version import ReclaimCandidate
from orchestration.task import task
from tasks.job import open_destination, open_source, run_resources
from transfer.inventory.reclaim import NotReclaimed, reclaim

FILES_PER_STEP = 2000  # removed before that is recorded
MAX_NAMED = 100  # remaining files in the result


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What was, or would be, removed from one repository, and what had to stay."""

    label: str
    address: str
    files: int = 0
    bytes: int = 0
    left: int = 0
    named: tuple[NotReclaimed, ...] = ()


@task("reclaim")
def reclaim_files(
    repository: Repository,
    places: Sequence[Repository],
    chosen: Sequence[str],
    kept: Sequence[tuple[str, int]],
    run_id: str,
    *,
    dry_run: bool,
) -> Reclaimed:
    """Remove files that one of `places` has too; copies in `chosen` repositories do not count."""
    common = run_resources(run_id)
    result = Reclaimed(repository.label, repository.address)
    spares = common.catalog.origins.reclaim_candidates(repository.address, chosen, kept)
    with ExitStack() as stack:
        end = stack.enter_context(open_destination(repository))
        others = [stack.enter_context(open_source(place)) for place in places]
        by_address = {one.address: one for one in others}
        while step := list(islice(spares, FILES_PER_STEP)):
            gone, left = reclaim(end, by_address, step, common.stop, dry_run=dry_run)
            if gone and not dry_run:
                outcomes = [_outcome(repository.address, candidate) for candidate in gone]
                common.catalog.runs.record_outcomes(run_id, "", outcomes)
            result = Reclaimed(
                result.label,
                result.address,
                result.files + len(gone),
                result.bytes + sum(candidate.fingerprint.size or 0 for candidate in gone),
                result.left + len(left),
                (*result.named, *left)[:MAX_NAMED],
            )
    return result


def _outcome(address: str, one: ReclaimCandidate) -> Outcome:
    """Return the outcome that turns a location into an origin: the file is only catalogued now."""
    return Outcome(
        address,
        one.path,
        "",
        Action.REMOVE,
        Status.CATALOGUED,
        digest=one.fingerprint.digest,
        size=one.fingerprint.size,
    )
