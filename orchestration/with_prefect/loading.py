"""Load Prefect with Python's garbage collector paused.

Prefect creates half a million objects that live until the process ends. Scanning them for garbage
again and again costs a run more CPU than hashing 10,000 small files. So they are created while the
collector is paused, and then exempted with `gc.freeze`; existing garbage is collected first.
"""

from __future__ import annotations

import gc
import importlib
import sys

PREFECT = "prefect.main"  # what `from prefect import flow` loads


def load_prefect() -> None:
    """Import Prefect once; afterwards the collector is enabled as before."""
    if PREFECT in sys.modules:
        return
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module(PREFECT)
    finally:
        if was_enabled:
            gc.enable()
    gc.freeze()
