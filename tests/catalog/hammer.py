"""What the processes of the kill test do, until they are killed or told to stop."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from catalog.catalog import Catalog
from catalog.model.outcome import Outcome, Status
from tests.catalog.catalog_steps import HERE

ROWS = 20  # of one order
PLAN = "plan"
RUN = "run"


def write(path: Path, name: str, acknowledged: Path) -> None:
    """Hand over orders, and note each one that was acknowledged."""
    catalog = Catalog(path, timeout_s=50)
    with acknowledged.open("ab", buffering=0) as notes:
        for order in count():
            catalog.runs.record_outcomes(RUN, PLAN, orders(f"{name}/{order}"))
            notes.write(f"{name}/{order}\n".encode())


def apply(path: Path, name: str, acknowledged: Path) -> None:
    """Submit orders, and apply whatever is queued after each."""
    catalog = Catalog(path, timeout_s=50)
    with acknowledged.open("ab", buffering=0) as notes:
        for order in count():
            catalog.runs.record_outcomes(RUN, PLAN, orders(f"{name}/{order}"))
            notes.write(f"{name}/{order}\n".encode())
            catalog.flush()


def read(path: Path, stop: Path, reads: Path) -> None:
    """Read until `stop` appears; what is seen never shrinks and is never part of an order."""
    catalog = Catalog(path, timeout_s=50)
    seen = 0
    with reads.open("ab", buffering=0) as notes:
        while not stop.exists():
            ((now,),) = catalog.sql("SELECT count(*) FROM outcomes")
            if not isinstance(now, int) or now < seen or now % ROWS:
                os._exit(1)
            seen = now
            notes.write(b".")


def orders(name: str) -> list[Outcome]:
    """Return the outcomes of one order, each with a path of its own."""
    return [
        Outcome(HERE, f"{name}/{row}", f"{name}/{row}", "add", Status.STORED, digest=f"{row:064x}")
        for row in range(ROWS)
    ]
