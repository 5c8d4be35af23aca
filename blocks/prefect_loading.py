"""Load Prefect while Python's garbage collector rests.

Prefect brings half a million objects that stay until the process ends. Collecting garbage among
them again and again, while they load and ever after, costs a run more CPU than 10,000 small files
take to be hashed; so they are loaded with the collector paused and then put out of its sight, as
`gc.freeze` is meant for. What is garbage before is collected first, and nothing later is touched.
"""

from __future__ import annotations

import gc
import importlib
import sys

PREFECT = "prefect.main"  # what `from prefect import flow` loads


def load_prefect() -> None:
    """Import Prefect once; the collector is as before when this returns."""
    if PREFECT in sys.modules:
        return
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module(PREFECT)
    finally:
        if was_on:
            gc.enable()
    gc.freeze()
