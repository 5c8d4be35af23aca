"""Python's garbage collector, calmer while a run makes many small objects that stay a while.

Files of a batch are ten objects each, all in use until the batch is recorded: a collector that
looks among them after every 700 finds nothing, again and again, for a twelfth of a run's CPU.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

RELAXED_THRESHOLD = 20_000  # new objects between two looks among the young; Python's own is 700
_lock = threading.Lock()
_runs = 0
_before = 0


@contextmanager
def relaxed_collector() -> Generator[None]:
    """Let the collector look less often; the last run to end puts back what was before."""
    global _runs, _before  # noqa: PLW0603 - the collector is the process's, and so is this
    with _lock:
        if not _runs:
            _before = gc.get_threshold()[0]
            if 0 < _before < RELAXED_THRESHOLD:  # 0: someone turned it off
                _set_threshold(RELAXED_THRESHOLD)
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if (
                not _runs and gc.get_threshold()[0] == RELAXED_THRESHOLD
            ):  # else someone chose otherwise since
                _set_threshold(_before)


def _set_threshold(young: int) -> None:
    gc.set_threshold(young, *gc.get_threshold()[1:])
