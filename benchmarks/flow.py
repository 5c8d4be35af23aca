"""One sync as the Prefect flow; arguments and environment as for `engine.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from engine import settings

from blocks.repository import Repository
from flows.sync import sync

if __name__ == "__main__":
    source, *others = [Repository(storage=settings(text)) for text in sys.argv[1:]]
    sys.stdout.write(f"{sync(source, others, list_destinations=False)}\n")
