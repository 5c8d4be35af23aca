"""Names of files that are not whole yet, where they cannot lie in a folder of ours.

They lie in `.entrepot/tmp` below the root. A drop folder may allow nothing but new files: there
they lie beside the file that they become, under a name that no listing shows.

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
    """Say whether a path is such a name."""
    return _NAME.fullmatch(path.rpartition("/")[2]) is not None
