"""Memory is taken before bytes come, given back as they go, and nobody waits for it in a circle."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.model.outcome import Status
from providers.s3.settings import S3Settings
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, tree, web
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.workers.limits import MemoryBudget
from transfer.workers.memory_tuning import return_freed_memory

MIB = 2**20


class Watched(MemoryBudget):
    """A budget that remembers the most that was held."""

    most = 0

    def take(self, count: int, *, staying: bool = False) -> bool:
        """Take, and look."""
        taken = super().take(count, staying=staying)
        self.most = max(self.most, self.held)
        return taken


def moved(job: Delivery, files: dict[str, bytes], *, told: bool) -> Watched:
    """Deliver the files and see that all arrive; return the budget, which is empty again."""
    budget = job.budget
    assert isinstance(budget, Watched)
    ends = len(job.destinations)
    items = [item(name, len(data) if told else None, to=ends) for name, data in files.items()]
    assert {one.status for one in deliver(job, items)} == {Status.STORED}
    assert budget.held == 0
    return budget


@pytest.mark.parametrize("told", [True, False], ids=["size known", "size unknown"])
@pytest.mark.parametrize("staged", [True, False], ids=["staged", "passing through"])
@pytest.mark.parametrize("total", [1, 6, 64])
def test_no_more_is_held_than_allowed(
    faulty_server: FaultyServer, tmp_path: Path, *, total: int, told: bool, staged: bool
) -> None:
    sizes = [MIB] * 12 + [10, 0, 3 * MIB, 9 * MIB, 9 * MIB]
    files = {f"f{number:02}": os.urandom(size) for number, size in enumerate(sizes)}
    faulty_server.files |= {f"/{name}": data for name, data in files.items()}
    options = TransferOptions(threads=8, small=4 * MIB, keep_staged=staged)
    budget = Watched(total * MIB)
    job = delivery(
        web(faulty_server.url), folder(tmp_path / "a"), folder(tmp_path / "b"), options=options
    )

    moved(replace(job, budget=budget), files, told=told)

    assert tree(tmp_path / "a") == tree(tmp_path / "b") == files
    alone = 8 * MIB  # what an empty budget admits, one file with its copy; or one that passes
    assert budget.most <= max(total * MIB, alone)


def test_a_busy_bucket_and_a_small_budget_still_get_on(
    faulty_server: FaultyServer, s3_server: S3Server
) -> None:
    bucket = f"memory-{os.urandom(4).hex()}"
    s3_server.make_bucket(bucket)
    settings = {
        "bucket": bucket,
        "endpoint": s3_server.endpoint,
        "access_key_id": s3_server.access_key,
        "secret_access_key": s3_server.secret_key,
    }
    files = {f"f{number:02}": os.urandom(2 * MIB) for number in range(20)}
    files |= {f"large{number}": os.urandom(9 * MIB) for number in range(3)}
    faulty_server.files |= {f"/{name}": data for name, data in files.items()}
    for name in list(files)[::3]:
        faulty_server.script(f"/{name}", faulty.status(503), faulty.half_body())
    job = delivery(web(faulty_server.url), end(S3Settings.model_validate(settings)))
    budget = Watched(8 * MIB)

    moved(replace(job, budget=budget), files, told=True)

    assert s3_server.keys(bucket) == set(files)


def test_what_stays_leaves_a_quarter_to_what_passes() -> None:
    budget = MemoryBudget(100)
    assert budget.take(70, staying=True)
    assert not budget.take(10, staying=True)
    assert budget.take(30)
    assert not budget.take(1)
    budget.release(100)
    assert budget.take(1000, staying=True)


def test_the_allocator_is_asked_to_give_memory_back() -> None:
    assert return_freed_memory() is (os.confstr("CS_GNU_LIBC_VERSION") is not None)
