"""Tells what contracts found in a run: a table, an event for each destination, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.artifacts import create_table_artifact
from prefect.logging import get_run_logger

from catalog.catalog import Catalog
from catalog.model.breach import Breach
from flows.results.events import resources_quarantined
from flows.results.sync import Failure
from tasks.job import Job
from transfer.steps.validate import ContractBroken

TOP = 50  # failure cases in a table


def report_breaches(catalog: Catalog, job: Job, drops: Sequence[Failure]) -> None:
    """Tell what contracts found; nothing where there are none, or where all is well."""
    if not job.options.contracts:
        return
    found = catalog.runs.breaches(job.run_id, TOP)
    for one in found:
        get_run_logger().warning("%s", _line(one))
    if found:
        _show(found)
    for repository in job.destinations:
        paths = [
            one.path
            for one in drops
            if one.destination == repository.address and one.error == ContractBroken.code
        ]
        if paths:
            resources_quarantined(repository, paths, job.run_id)


def _line(breach: Breach) -> str:
    aside = f"; put aside as {breach.aside}" if breach.aside else ""
    return f"{breach.path!r} breaks the contract {breach.contract!r}: {breach.summary()}{aside}"


def _show(found: Sequence[Breach]) -> None:
    rows = [
        {
            "contract": one.contract,
            "then": one.then,
            "path": one.path,
            "row": "" if case.row is None else str(case.row),
            "column": case.column or "",
            "check": case.check,
            "value": case.value or "",
            "of": str(one.failures),
        }
        for one in found
        for case in one.cases
    ]
    create_table_artifact(
        table=rows,
        key="entrepot-contract",
        description=f"What contracts found; the first {TOP} failure cases at most",
        _sync=True,  # type: ignore[call-arg]
    )
