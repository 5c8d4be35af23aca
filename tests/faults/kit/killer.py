"""A killer: a process that ends itself by `kill -9` at a step that was chosen before.

Steps are what the process does to files of its world: it is told of each by an audit hook. They
come in much the same order on any machine, however busy; a delay of some milliseconds lets the
kill fall into work of other languages, between two steps.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.faults.kit.operations import DEEDS, built

STEPS = frozenset(
    {
        *("open", "os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir"),
        *("os.truncate", "os.scandir", "os.listdir", "socket.connect", "os.utime", "os.chmod"),
    }
)
BUILD = "build"
SLOWEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Death:
    """When to die: at a step, or so much later."""

    step: int
    later_s: float = 0.0


def live(world: str, deed: str, death: Death | None, tally: str) -> None:
    """Do a deed in a world, until it is done or it is time to die; `tally` gets the steps."""
    os.environ["ENTREPOT_CATALOG"] = f"{world}/catalog/catalog.duckdb"
    quiet = os.open(f"{tally}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    steps = 0

    def hook(event: str, _: tuple[object, ...]) -> None:
        nonlocal steps
        if event not in STEPS:
            return
        steps += 1
        if death is not None and steps == death.step:
            if not death.later_s:
                die()
            timer = threading.Timer(death.later_s, die)
            timer.daemon = True
            timer.start()

    sys.addaudithook(hook)
    if deed == BUILD:
        built(Path(world))
    else:
        DEEDS[deed].act(Path(world))
    Path(tally).write_text(str(steps))


def die() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def lived(
    processes: ForkServerContext, world: Path, deed: str, death: Death | None = None
) -> tuple[int | None, str]:
    """Let a process live; return its exit code, and what it printed."""
    tally = world.with_name(f"{world.name}.tally")
    tally.unlink(missing_ok=True)
    one = processes.Process(target=live, args=(str(world), deed, death, str(tally)), daemon=True)
    one.start()
    one.join(SLOWEST_S)
    if one.exitcode is None:
        one.kill()
        one.join()
        return None, "it hung"
    return one.exitcode, Path(f"{tally}.log").read_text(errors="replace")


def steps_of(world: Path) -> int:
    """Return how many steps the last life took that came to its end."""
    return int(world.with_name(f"{world.name}.tally").read_text())
