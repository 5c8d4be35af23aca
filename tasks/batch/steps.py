"""The steps of a batch as Prefect tasks: each one wraps a step of `transfer.steps`."""

from __future__ import annotations

from catalog.errors import CatalogError
from orchestration.task import task
from tasks.batch.open_batch import Batch
from transfer.batch.staging import Staging
from transfer.steps import clean_up as clean_up_step
from transfer.steps import download as download_step
from transfer.steps import mark as mark_step
from transfer.steps import upload as upload_step
from transfer.steps import validate as validate_step
from transfer.steps.staged_batch import StagedBatch
from transfer.steps.validate import Check, enforce_contracts
from transfer.user_functions import import_function


@task("download")
def download(batch: Batch) -> Staging:
    """Fetch what the batch needs; files that cannot be fetched are settled as failed."""
    return download_step.fetch_staging(batch.staging)


@task("validate")
def validate(staging: Staging, checks: tuple[Check, ...] = ()) -> Staging:
    """Run every check on every staged file, then its contracts.

    Refused files are settled as failed; a broken contract has the consequence it names.
    """
    return enforce_contracts(validate_step.validate(staging, checks))


@task("upload")
def upload(staging: Staging) -> Staging:
    """Write every file without an error; each destination gets its own outcome."""
    return upload_step.upload(staging)


@task("mark")
def mark(staging: Staging) -> Staging:
    """Write the marker of every file that is stored now or lacks it."""
    return mark_step.mark(staging)


@task("cleanup")
def cleanup(staging: Staging) -> Staging:
    """Release memory and disk space; every item of the batch has its outcomes now."""
    clean_up_step.cleanup(staging)
    return staging


class StepFailed(CatalogError):
    """The user's own step raised an error; the batch goes no further."""


@task("step {name}")
def step(batch: Batch, name: str) -> None:
    """Call `module:function` with the batch; what it drops or refuses is settled.

    Raises:
        StepFailed: it raised an error; the batch goes no further.
    """
    function = import_function(name, "step")
    try:
        function(StagedBatch(batch.staging, batch.number))
    except CatalogError:
        raise
    except Exception as error:
        raise StepFailed(
            f"the step {name!r} failed in batch {batch.number}: {type(error).__name__}: {error}"
        ) from error
