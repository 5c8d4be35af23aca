"""Whether a sync can be skipped, since nothing changed after the last one between its places."""

from __future__ import annotations

from catalog.catalog import Catalog
from catalog.errors import NotRecorded, RepositoryNotFound
from catalog.model.plan import Policy
from catalog.model.run import Run
from catalog.rules.up_to_date import PreviousSync, SyncInputs, reason_to_sync
from catalog.settings import Settings
from flows.forms.options import Options
from flows.runs.active_run import ActiveRun
from transfer.batch.delivery import CleanUp

NONE = -1  # no version has this number


def unchanged_since(run: ActiveRun, options: Options, version: int) -> tuple[Run | None, str]:
    """Return the run after which nothing changed, or None and why its destinations must be seen.

    `version` is that of the source as it is listed now.
    """
    if options.clean_up is CleanUp.REMOVE:
        return None, "the source is to be cleaned up"
    catalog, job = run.catalog, run.job
    if catalog.runs.gaps(job.run_id):
        return None, "the source could not be seen whole"
    addresses = tuple(one.address for one in job.destinations)
    last = catalog.runs.last_sync(job.source.address, addresses, job.run_id)
    before = _before(catalog, last)
    if before is None:
        return None, "nothing is known of a sync between these places"
    if last is not None and any(one.dropped for one in catalog.runs.tallies(last.run_id)):
        return None, "files were dropped the last time"
    latest = tuple(catalog.versions.latest(one).number for one in addresses)
    now = SyncInputs(
        options.mode,
        options.policy,
        options.strategy,
        options.selection,
        Settings().trusted_digests,
        version,
        latest,
    )
    missing = options.policy is Policy.IMMEDIATE and any(
        catalog.holdings.missing(one, number) for one, number in zip(addresses, latest, strict=True)
    )
    why = reason_to_sync(before, now, missing=missing)
    return (last, "") if why is None else (None, why)


def _before(catalog: Catalog, run: Run | None) -> PreviousSync | None:
    """Return what a run left behind; None where that is not known any more."""
    if run is None or run.plan_id is None or run.ended_at is None or run.source is None:
        return None
    request = catalog.plans.request(run.plan_id)
    try:
        ends = tuple(catalog.versions.at(one, run.ended_at).number for one in run.destinations)
    except (NotRecorded, RepositoryNotFound):  # the versions of that time were deleted
        return None
    ground = SyncInputs(
        request.mode,
        request.policy,
        request.strategy,
        request.selection,
        request.trusted,
        _listed_by(catalog, run, run.source),
        ends,
    )
    return PreviousSync(run.state, ground)


def _listed_by(catalog: Catalog, run: Run, source: str) -> int:
    """Return the version of its source that a run surely saw; a number of none if it may not have.

    While it was under way, somebody else may have listed the source anew.
    """
    latest = catalog.versions.latest(source)
    seen = run.started_at is not None and latest.created_at <= run.started_at
    return latest.number if seen or latest.run_id == run.run_id else NONE
