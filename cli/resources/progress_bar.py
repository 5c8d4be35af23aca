"""How far one file is on its way: a bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from cli.resources.client import OnBytes
from cli.terminal.output import Output


@contextmanager
def progress_bar(name: str, size: int | None, output: Output) -> Generator[OnBytes]:
    """Show progress on stderr until the block ends; what is yielded hears of bytes."""
    if output.quiet or output.json or not sys.stderr.isatty():
        yield _nothing
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


def _nothing(_: int) -> None:
    """Tell nobody."""
