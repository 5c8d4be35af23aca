"""The process that `test_markers` kills: a sync that dies as a marker is about to get its name."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Sync `argv[1]` to the folder `argv[2]` under the strategy `marker`."""
    from catalog.model.plan import Strategy  # noqa: PLC0415 - as every script, after the guard
    from flows.sync import sync  # noqa: PLC0415

    sys.addaudithook(die_before_a_marker)
    sync(sys.argv[1], [sys.argv[2]], strategy=Strategy.MARKER)


def die_before_a_marker(event: str, args: tuple[object, ...]) -> None:
    """Kill this process between a file and its marker."""
    if event == "os.rename" and Path(str(args[1])).suffix == ".done":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
