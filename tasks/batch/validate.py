"""Validate: run checks and contracts on staged files, before anything is written."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from transfer.batch.staging import Staging
from transfer.steps import validate as engine
from transfer.steps.enforce_contracts import enforce_contracts
from transfer.steps.validate import Check


@task(task_run_name="validate", cache_policy=NO_CACHE, persist_result=False)
def validate(staging: Staging, checks: tuple[Check, ...] = ()) -> Staging:
    """Run every check on every staged file, then its contracts.

    Refused files are settled as failed; a broken contract has the consequence it names.
    """
    return enforce_contracts(engine.validate(staging, checks))
