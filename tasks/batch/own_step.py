"""Step: the user's own function, called with the batch."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from catalog.errors import CatalogError
from tasks.batch.open_batch import Batch
from transfer.steps.staged_batch import StagedBatch
from transfer.user_functions import import_function


class StepFailed(CatalogError):
    """The user's own step raised an error; the batch goes no further."""


@task(task_run_name="step {name}", cache_policy=NO_CACHE, persist_result=False)
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
