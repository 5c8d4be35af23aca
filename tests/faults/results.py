"""What a soak found, a line of JSON each, in the file that `ENTREPOT_SOAK_RESULTS` names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.kit.cells import Cell
from tests.faults.kit.fault_kinds import WORDS, worst
from tests.faults.kit.matrix import Tried

VARIABLE = "ENTREPOT_SOAK_RESULTS"


def note(line: Mapping[str, object]) -> None:
    """Append a line, if anybody wants to know."""
    if named := os.environ.get(VARIABLE):
        data = json.dumps(line).encode() + b"\n"
        descriptor = os.open(named, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, data)  # one call, so that lines of several processes stay whole
        finally:
            os.close(descriptor)


def note_cell(cell: Cell, tries: Sequence[Tried]) -> None:
    """Append how a cell ended."""
    note(
        {
            "cell": [cell.place, cell.fault, cell.operation],
            "ending": WORDS[worst([one.told for one in tries]).ending],
            "tries": [[str(one.way), WORDS[one.told.ending], one.told.why] for one in tries],
        }
    )


def read(path: Path) -> list[dict[str, object]]:
    """Return the lines of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
