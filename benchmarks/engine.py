"""One sync by the engine alone, without Prefect: what the flow does, in one process.

    python benchmarks/engine.py SOURCE DESTINATION...

Either is a URL or a path; `S3_KEY` and `S3_SECRET` are used for addresses that begin with s3.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from catalog.catalog import Catalog
from catalog.model.plan import PlannedBatch, PlanRequest, Target
from catalog.settings import Settings
from providers.base import OpenOptions, ProviderSettings
from providers.registry import SCHEMES, scheme_of, settings_from_mapping, settings_from_url
from tests.transfer.deliver import deliver
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.batch.endpoints import Endpoint
from transfer.inventory.listing import known_paths, list_repository
from transfer.workers.limits import Limits, limiter_for
from transfer.workers.memory_tuning import relaxed_collector
from transfer.workers.retry import RetryPolicy
from transfer.workers.stop import StopFlag

BATCHES_AT_ONCE = 2  # as the flow has them


def settings(text: str) -> ProviderSettings:
    """Return settings for a URL or a path, keys from the environment."""
    scheme = scheme_of(text)
    if scheme is None:
        return settings_from_mapping({"type": "local", "path": text})
    found = settings_from_url(text)
    if SCHEMES[scheme] == "s3":
        keys = {
            "access_key_id": os.environ["S3_KEY"],
            "secret_access_key": os.environ["S3_SECRET"],
        }
        found = settings_from_mapping({**found.model_dump(), **keys})
    return found


def main() -> None:
    """Sync the first argument to the others."""
    catalog, stop, run_id = Catalog.open(), StopFlag(), uuid4().hex
    source, *others = [settings(text) for text in sys.argv[1:]]
    with relaxed_collector(), ExitStack() as stack:
        ends = []
        for one in (source, *others):
            storage = one.open(OpenOptions())
            stack.callback(storage.close)
            ends.append(Endpoint(one.address(), storage, limiter_for(one.address(), Limits())))
        origin, *destinations = ends
        known = known_paths(catalog.versions, origin.address)
        wanted = list_repository(catalog.spool, origin.storage, RetryPolicy(), stop, known)
        catalog.versions.record_listing(origin.address, wanted, run_id=run_id)
        request = PlanRequest(
            plan_id=uuid4().hex,
            source=origin.address,
            wanted=wanted.listing_id,
            targets=tuple(Target(end.address) for end in destinations),
            run_id=run_id,
        )
        plan = catalog.plans.make(request)
        job = Delivery(origin, tuple(destinations), TransferOptions(Settings().threads))

        def move(batch: PlannedBatch) -> None:
            outcomes = deliver(job, catalog.plans.items(plan.plan_id, batch.number))
            catalog.runs.record_outcomes(run_id, plan.plan_id, outcomes)

        with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
            list(pool.map(move, catalog.plans.batches(plan.plan_id)))
        catalog.versions.record(run_id, plan.plan_id)
        tallies = catalog.runs.tallies(run_id)
    sys.stdout.write(f"{tallies}\n")
    if any(one.failed for one in tallies):
        sys.exit(1)


if __name__ == "__main__":
    main()
