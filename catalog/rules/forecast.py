"""Estimates what a plan will cost, from earlier runs between the same repositories.

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
    """The work of a plan: files and bytes over all targets, requests at both ends."""

    files: int
    bytes: int
    requests: int


@dataclass(frozen=True, slots=True)
class PastRun:
    """What an earlier run did, and how long it took."""

    files: int
    bytes: int
    seconds: float


def planned_work(tallies: Sequence[Tally], reads: int) -> PlannedWork:
    """Return the work in a plan's tallies, with `reads` files to read once each.

    Small files are a request each at either end; the parts of large ones are not counted.
    """
    writes = sum(tally.add + tally.replace for tally in tallies)
    removals = sum(tally.remove for tally in tallies)
    return PlannedWork(
        writes + removals, sum(tally.bytes for tally in tallies), reads + writes + removals
    )


def forecast(work: PlannedWork, samples: Sequence[PastRun]) -> Forecast:
    """Return how long the work takes at the speed of the samples: by files or bytes, the slower.

    Without samples the time is unknown.
    """
    seconds = sum(run.seconds for run in samples)
    if seconds <= 0:
        return Forecast(work.requests, None, 0)
    pairs = (
        (work.files, sum(run.files for run in samples)),
        (work.bytes, sum(run.bytes for run in samples)),
    )
    slowest = max((wanted * seconds / done for wanted, done in pairs if done), default=None)
    return Forecast(work.requests, slowest, len(samples))
