"""Validate: let checks refuse what was staged, before anything is written."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from transfer import validate as engine
from transfer.staging import Staging
from transfer.validate import Check


@task(task_run_name="validate", cache_policy=NO_CACHE, persist_result=False)
def validate(staging: Staging, checks: tuple[Check, ...] = ()) -> Staging:
    """Run every check over every staged file; what is refused is settled as failed."""
    return engine.validate(staging, checks)
