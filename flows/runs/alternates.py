"""Alternates: repositories that have a source's bytes, under any names, and are read first.

Each is listed before a plan is made. Files whose digest it declares, or the catalog knows from an
earlier read, are then read from it; everything else is read from the source. So an alternate that
is down fails nothing.
"""

from __future__ import annotations

from dataclasses import replace

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import StorageError
from flows.runs.active_run import ActiveRun
from orchestration.run import run_logger
from tasks.listing.repository import list_to_spool


def alternates_of(source: Repository) -> tuple[Repository, ...]:
    """Return the alternates of a source; an unknown name is an error."""
    return tuple(map(resolved, source.alternates))


def list_alternates(run: ActiveRun) -> None:
    """List the alternates of the run's source, and let the run read those that answer."""
    listed: list[Repository] = []
    for alternate in alternates_of(run.job.source):
        try:
            listing = list_to_spool(alternate, run.job.run_id, "alternate")
        except StorageError as error:
            run_logger().warning("skipped the alternate %s: %s", alternate.label, error)
            continue
        run.catalog.versions.record_listing(alternate.address, listing, run_id=run.job.run_id)
        listed.append(alternate)
    run.job = replace(run.job, places=tuple(listed))
