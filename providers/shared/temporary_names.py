"""Names of temporary files in folders where `.entrepot/tmp` cannot be used.

Incomplete files are normally in `.entrepot/tmp` below the root. A drop folder may allow nothing
but new files: there they are next to the final file, under a name that listings hide.

>>> is_temporary(temporary_path_for("in/report.csv")), is_temporary("in/report.csv")
(True, False)
"""

from __future__ import annotations

import re
from uuid import uuid4

_NAME = re.compile(r"\.entrepot-[0-9a-f]{32}\.part")


def temporary_path_for(path: str) -> str:
    """Return a new temporary name in the folder of a path."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}.entrepot-{uuid4().hex}.part"


def is_temporary(path: str) -> bool:
    """Return whether a path is such a name."""
    return path.endswith(".part") and _NAME.fullmatch(path.rpartition("/")[2]) is not None
