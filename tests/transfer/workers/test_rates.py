"""The rate that a repository sets is the rate at its server, on every way through the engine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.model.outcome import Status
from providers.http.settings import HttpSettings
from providers.local.settings import LocalSettings
from tests.servers.faulty import FaultyServer
from tests.transfer.clock import Clock
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, item
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.workers.limits import Limits

MIB = 2**20
SECONDS = 40  # that the bytes of a test take at their rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Wait in no time."""
    return Clock.of_limits(monkeypatch)


def moved(job: Delivery, names: dict[str, int | None]) -> None:
    """Deliver files of these sizes; all have to arrive."""
    outcomes = deliver(job, [item(name, size) for name, size in names.items()])
    assert {one.status for one in outcomes} == {Status.STORED}


@pytest.mark.parametrize("where", ["source", "destination"])
@pytest.mark.parametrize("size", [200_000, 20 * MIB], ids=["small", "large"])
@pytest.mark.parametrize("told", [True, False], ids=["size known", "size unknown"])
@pytest.mark.parametrize("staged", [True, False], ids=["staged", "passing through"])
def test_bytes_pass_at_the_rate_that_is_set(
    faulty_server: FaultyServer,
    tmp_path: Path,
    clock: Clock,
    *,
    where: str,
    size: int,
    told: bool,
    staged: bool,
) -> None:
    count = 40 if size < MIB else 2
    names = {f"f{number}": size for number in range(count)}
    faulty_server.files |= {f"/{name}": os.urandom(size) for name in names}
    rate = count * size / SECONDS
    limited = {where: Limits(connections=4, bytes_per_s=rate)}
    source = end(HttpSettings(url=faulty_server.url), limits=limited.get("source"))
    place = end(LocalSettings(path=str(tmp_path / "end")), limits=limited.get("destination"))
    options = TransferOptions(threads=4, keep_staged=staged)
    job = replace(delivery(source, place, options=options), stop=clock)

    moved(job, {name: size if told else None for name, size in names.items()})

    sent = sum(len(faulty_server.files[seen.path]) for seen in faulty_server.seen)
    assert sent == count * size
    assert sent / clock.now_s == pytest.approx(rate, rel=0.1)
