"""The progress of one file: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from cli.resources.client import OnBytes
from cli.terminal.output import Output


@contextmanager
def progress_bar(name: str, size: int | None, output: Output) -> Generator[OnBytes]:
    """Show progress on stderr; the yielded function is called with each count of bytes."""
    if output.quiet or output.json or not sys.stderr.isatty():
        yield _ignore
        return
    from rich.console import Console  # noqa: PLC0415 - a fifth of a second, on terminals alone
    from rich.progress import (  # noqa: PLC0415 - the same
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(name, total=size)
        yield lambda count: shown.advance(task, count)


def _ignore(_: int) -> None:
    """Do nothing."""
