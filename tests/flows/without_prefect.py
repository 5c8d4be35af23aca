"""Commands in an environment in which Prefect is not configured and cannot be imported."""

from __future__ import annotations

import os
from pathlib import Path

REFUSAL = 'raise ImportError("this process must not import Prefect")\n'


def without_prefect(folder: Path) -> dict[str, str]:
    """Return an environment for commands that run verbs directly; `folder` holds its files."""
    block = folder / "no-prefect"
    (block / "prefect").mkdir(parents=True, exist_ok=True)
    (block / "prefect" / "__init__.py").write_text(REFUSAL)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(folder / "prefect-home"),
        "PYTHONPATH": str(block),
    }
