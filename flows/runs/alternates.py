"""Alternates: repositories that hold a source's bytes under any names, and are read first.

Each is listed before a plan is made, and no byte of it is read for that. What it declares a digest
for, or the catalog has read of it before, is then taken from there; whatever cannot be had there
comes from the source itself. So one that is down costs nothing but its bytes.
"""

from __future__ import annotations

from dataclasses import replace

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import StorageError
from flows.runs.active_run import ActiveRun
from tasks.listing.repository import enumerate_repository


def alternates_of(source: Repository) -> tuple[Repository, ...]:
    """Return the alternates of a source; a name that leads nowhere is an error."""
    return tuple(resolved(one) for one in source.alternates)


def list_alternates(run: ActiveRun) -> None:
    """List the alternates of the run's source, and let the run read from those that answer."""
    answered: list[Repository] = []
    for one in alternates_of(run.job.source):
        try:
            listing = enumerate_repository(one, run.job.run_id, "alternate")
        except StorageError as error:
            get_run_logger().warning("alternate %s is passed over: %s", one.label, error)
            continue
        run.catalog.versions.record_listing(one.address, listing, run_id=run.job.run_id)
        answered.append(one)
    run.job = replace(run.job, places=tuple(answered))
