"""Report the files of a run that break contracts: a table, an event per destination, log lines."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.catalog import Catalog
from catalog.model.breach import Breach
from flows.results.events import emit_quarantined
from flows.results.sync import Failure
from orchestration.report import publish_table
from orchestration.run import run_logger
from tasks.job import Job
from transfer.steps.validate import ContractBroken

MAX_ROWS = 50  # failure cases in a table


def report_breaches(catalog: Catalog, job: Job, drops: Sequence[Failure]) -> None:
    """Report the files that broke a contract, if any."""
    if not job.options.contracts:
        return
    breaches = catalog.runs.breaches(job.run_id, MAX_ROWS)
    for breach in breaches:
        run_logger().warning("%s", _describe(breach))
    if breaches:
        _show(breaches)
    for repository in job.destinations:
        paths = [
            drop.path
            for drop in drops
            if drop.destination == repository.address and drop.error == ContractBroken.code
        ]
        if paths:
            emit_quarantined(repository, paths, job.run_id)


def _describe(breach: Breach) -> str:
    copy = f"; a copy is at {breach.aside}" if breach.aside else ""
    return f"{breach.path!r} breaks the contract {breach.contract!r}: {breach.summary()}{copy}"


def _show(breaches: Sequence[Breach]) -> None:
    rows = [
        {
            "contract": breach.contract,
            "then": breach.then,
            "path": breach.path,
            "row": "" if case.row is None else f"{case.row:,}",
            "column": case.column or "",
            "check": case.check,
            "value": case.value or "",
            "of": f"{breach.failures:,}",
        }
        for breach in breaches
        for case in breach.cases
    ]
    publish_table(
        rows,
        key="entrepot-contract",
        description=f"Contract failures (the first {MAX_ROWS} at most)",
    )
