"""Show the progress of this process's runs: a bar on a terminal, a line every five seconds else."""

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

from flows.results.artifacts import progress_line
from tasks.job import active_runs
from transfer.workers.progress import Snapshot

BAR_INTERVAL_S = 0.2
LINE_INTERVAL_S = 5.0


@contextmanager
def shown_progress() -> Generator[None]:
    """Show progress on stderr until the block ends."""
    done = threading.Event()
    show = _show_bar if sys.stderr.isatty() else _show_lines
    thread = threading.Thread(target=show, args=(done,), name="entrepot-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _current() -> Snapshot | None:
    """Return the progress of the newest run that moves files, else of the newest that lists."""
    snapshots = [run.progress.snapshot() for run in reversed(active_runs())]
    moving = (snapshot for snapshot in snapshots if snapshot.wanted_files)
    return next(moving, next((snapshot for snapshot in snapshots if snapshot.listed), None))


def _describe(snapshot: Snapshot | None) -> str:
    if snapshot is None:
        return ""
    if not snapshot.wanted_files:
        return f"{snapshot.listed:,} files listed so far"
    return progress_line(snapshot)


def _show_lines(done: threading.Event) -> None:
    last = ""
    while not done.wait(LINE_INTERVAL_S):
        line = _describe(_current())
        if line and line != last:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        last = line


def _show_bar(done: threading.Event) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("listing files", total=None)
        while not done.wait(BAR_INTERVAL_S):
            _update_bar(bars, task, _current())


def _update_bar(bars: Progress, task: TaskID, snapshot: Snapshot | None) -> None:
    if snapshot is None:
        return
    if not snapshot.wanted_files:
        bars.update(task, description=_describe(snapshot))
        return
    failed = f", {snapshot.failed:,} failed" if snapshot.failed else ""
    bars.update(
        task,
        description=f"{snapshot.files:,} of {snapshot.wanted_files:,} files{failed}",
        completed=snapshot.bytes,
        total=snapshot.wanted_bytes or None,
    )
