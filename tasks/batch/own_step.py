"""Step: a person's own function, called with the batch."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from catalog.errors import CatalogError
from tasks.batch.open_batch import Batch
from transfer.steps.staged_batch import StagedBatch
from transfer.user_functions import import_function


class StepFailed(CatalogError):
    """A person's own step broke; nothing was written that it had not let pass."""


@task(task_run_name="step {name}", cache_policy=NO_CACHE, persist_result=False)
def step(batch: Batch, name: str) -> None:
    """Call the function `module:function` with the batch; what it drops or refuses is settled.

    Raises:
        StepFailed: it raised something; the batch goes no further.
    """
    act = import_function(name, "step")
    try:
        act(StagedBatch(batch.staging, batch.number))
    except CatalogError:
        raise
    except Exception as error:
        raise StepFailed(
            f"the step {name!r} broke at batch {batch.number}: {type(error).__name__}: {error}"
        ) from error
