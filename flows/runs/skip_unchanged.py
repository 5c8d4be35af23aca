"""Whether a sync can be skipped because nothing changed since the last one."""

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

NO_VERSION = -1


def unchanged_since(run: ActiveRun, options: Options, version: int) -> tuple[Run | None, str]:
    """Return the run since which nothing changed, or None and why the sync cannot be skipped.

    `version` is the source's version according to its current listing.
    """
    if options.clean_up is CleanUp.REMOVE:
        return None, "clean_up is on"
    catalog, job = run.catalog, run.job
    if catalog.runs.gaps(job.run_id):
        return None, "the source could not be listed completely"
    addresses = tuple(destination.address for destination in job.destinations)
    last = catalog.runs.last_sync(job.source.address, addresses, job.run_id)
    before = _previous_sync(catalog, last)
    if before is None:
        return None, "no earlier sync between these repositories is known"
    if last is not None and any(tally.dropped for tally in catalog.runs.tallies(last.run_id)):
        return None, "the last sync dropped files"
    latest = tuple(catalog.versions.latest(address).number for address in addresses)
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
        catalog.holdings.missing(address, number)
        for address, number in zip(addresses, latest, strict=True)
    )
    why = reason_to_sync(before, now, missing=missing)
    return (last, "") if why is None else (None, why)


def _previous_sync(catalog: Catalog, run: Run | None) -> PreviousSync | None:
    """Return the inputs and outcome of a run, or None if they are no longer known."""
    if run is None or run.plan_id is None or run.ended_at is None or run.source is None:
        return None
    request = catalog.plans.request(run.plan_id)
    try:
        ends = tuple(
            catalog.versions.at(address, run.ended_at).number for address in run.destinations
        )
    except (NotRecorded, RepositoryNotFound):  # the versions were deleted
        return None
    inputs = SyncInputs(
        request.mode,
        request.policy,
        request.strategy,
        request.selection,
        request.trusted,
        _listed_version(catalog, run, run.source),
        ends,
    )
    return PreviousSync(run.state, inputs)


def _listed_version(catalog: Catalog, run: Run, source: str) -> int:
    """Return the version of its source that a run listed, or `NO_VERSION` if that is uncertain.

    Another run may have listed the source while this one was in progress.
    """
    latest = catalog.versions.latest(source)
    seen = run.started_at is not None and latest.created_at <= run.started_at
    return latest.number if seen or latest.run_id == run.run_id else NO_VERSION
