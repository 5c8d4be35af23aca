"""Shows how far the runs of this process are: bars on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from flows.results.artifacts import told
from tasks.job import active_runs
from transfer.workers.progress import Snapshot

BARS_S = 0.2
LINES_S = 5.0


@contextmanager
def shown_progress() -> Generator[None]:
    """Show progress on stderr until the block ends."""
    done = threading.Event()
    show = _bars if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(done,), name="entrepot-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _now() -> Snapshot | None:
    """Return the counts of the newest run that has something to move, else of one that lists."""
    every = [one.progress.snapshot() for one in reversed(active_runs())]
    moving = (one for one in every if one.wanted_files)
    return next(moving, next((one for one in every if one.listed), None))


def _told(now: Snapshot | None) -> str:
    if now is None:
        return ""
    return told(now) if now.wanted_files else f"{now.listed:,} files listed so far"


def _lines(done: threading.Event) -> None:
    before = ""
    while not done.wait(LINES_S):
        line = _told(_now())
        if line and line != before:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        before = line


def _bars(done: threading.Event) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("looking at what is there", total=None)
        while not done.wait(BARS_S):
            _drawn(bars, task, _now())


def _drawn(bars: Progress, task: TaskID, now: Snapshot | None) -> None:
    if now is None:
        return
    if not now.wanted_files:
        bars.update(task, description=_told(now))
        return
    failed = f", {now.failed} failed" if now.failed else ""
    bars.update(
        task,
        description=f"{now.files} of {now.wanted_files} files{failed}",
        completed=now.bytes,
        total=now.wanted_bytes or None,
    )
