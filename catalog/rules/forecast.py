"""What a plan will cost, from what runs between the same places cost before.

>>> forecast(PlannedWork(files=100, bytes=10_000, requests=200), [PastRun(50, 5_000, 10.0)])
Forecast(requests=200, seconds=20.0, samples=1)
>>> forecast(PlannedWork(files=100, bytes=10_000, requests=200), []).seconds is None
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.model.plan import Forecast, Tally


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """What a plan asks for: files and bytes over all its targets, requests at both ends."""

    files: int
    bytes: int
    requests: int


@dataclass(frozen=True, slots=True)
class PastRun:
    """What one former run did, and how long it took."""

    files: int
    bytes: int
    seconds: float


def planned_work(tallies: Sequence[Tally], reads: int) -> PlannedWork:
    """Return what a plan's tallies ask for, where `reads` files are read once each.

    Small files are a request each at either end; the parts of large ones are not counted.
    """
    writes = sum(one.add + one.replace for one in tallies)
    removals = sum(one.remove for one in tallies)
    return PlannedWork(
        writes + removals, sum(one.bytes for one in tallies), reads + writes + removals
    )


def forecast(work: PlannedWork, samples: Sequence[PastRun]) -> Forecast:
    """Return how long the work takes at the pace of the samples: by files or by bytes, the slower.

    Without samples the time is unknown.
    """
    seconds = sum(one.seconds for one in samples)
    if seconds <= 0:
        return Forecast(work.requests, None, 0)
    pairs = (
        (work.files, sum(one.files for one in samples)),
        (work.bytes, sum(one.bytes for one in samples)),
    )
    slowest = max((wanted * seconds / done for wanted, done in pairs if done), default=None)
    return Forecast(work.requests, slowest, len(samples))
