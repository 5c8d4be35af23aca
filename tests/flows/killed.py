"""The process that `test_kill` kills: one sync, given by its arguments.

With a third one it kills itself: when that many files are in the destination's history, and the
next is about to get its final name.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from providers.interfaces.history import HISTORY


def main() -> None:
    from flows.sync import sync  # noqa: PLC0415 - as every script, after the guard

    if len(sys.argv) > 3:
        die_before_a_rename(Path(sys.argv[2]), int(sys.argv[3]))
    sync(sys.argv[1], [sys.argv[2]])


def die_before_a_rename(end: Path, after: int) -> None:
    """Kill this process between the keeping of a file and the appearance of the next."""
    history = end / HISTORY

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "os.rename" and Path(str(args[1])).parent.parent == end:
            kept = sum(one.is_file() for one in history.rglob("*"))
            if kept >= after:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
