"""Makes Python's garbage collector run less often while a run creates many long-lived objects.

Each file of a batch is ten objects, all in use until the batch is recorded: a collection after
every 700 objects finds nothing and costs a twelfth of a run's CPU.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

RELAXED_THRESHOLD = 20_000  # new objects between two collections; Python's default is 700
_lock = threading.Lock()
_runs = 0
_before = 0


@contextmanager
def relaxed_collector() -> Generator[None]:
    """Collect less often while the block lasts; the last run to end restores the threshold."""
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
