"""Writes `docs/reliability.md` from what a soak found: `python -m tests.faults.report RESULTS`.

RESULTS is the file that `ENTREPOT_SOAK_RESULTS` named while `make soak` ran.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.kit.cells import reasons
from tests.faults.kit.fault_kinds import WORDS, Ending, Fault, Operation
from tests.faults.kit.target_profiles import PROFILES
from tests.faults.results import read

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARKS = {
    WORDS[Ending.RIGHT]: "●",
    WORDS[Ending.CLEAR]: "○",
    WORDS[Ending.UNTOLD]: "△",
    WORDS[Ending.WRONG]: "✗",
    WORDS[Ending.HUNG]: "∞",
}
NONE = "\N{EN DASH}"
TEMPLATE = Path(__file__).with_name("reliability.md")


@dataclass(frozen=True, slots=True)
class Found:
    """What a soak found."""

    cells: Mapping[tuple[str, str, str], str]  # place, fault, operation -> ending
    tries: Counter[str]  # by ending
    kills: Mapping[str, int]


def found(lines: Iterable[Mapping[str, object]]) -> Found:
    """Sum up the lines of a soak; a later line of the same thing goes before."""
    cells: dict[tuple[str, str, str], tuple[str, list[str]]] = {}
    kills: dict[str, int] = {}
    for line in lines:
        if isinstance(place := line.get("cell"), list) and isinstance(tries := line["tries"], list):
            name, fault, operation = map(str, place)
            endings = [str(one[1]) for one in tries]
            cells[name, fault, operation] = str(line["ending"]), endings
        elif "kills" in line:
            kills[str(line["kills"])] = int(str(line["count"]))
    tries_of = Counter(one for _, endings in cells.values() for one in endings)
    return Found({key: ending for key, (ending, _) in cells.items()}, tries_of, kills)


def page(soak: Found) -> str:
    """Return the page: the template with what was found."""
    return TEMPLATE.read_text().format(
        totals=_totals(soak),
        table=_table(soak),
        kills=_kills(soak),
        killed=f"{sum(soak.kills.values()):,}",
        untold=_untold(soak),
        reasons=_reasons(),
    )


def _totals(soak: Found) -> str:
    by_cell = Counter(soak.cells.values())
    rows = [
        f"| {MARKS[word]} {word} | {by_cell[word]:,} | {soak.tries[word]:,} |"
        for word in WORDS.values()
    ]
    total = f"| in all | {len(soak.cells):,} | {sum(soak.tries.values()):,} |"
    return "\n".join(("| ended | cells | tries |", "|---|---|---|", *rows, total))


def _table(soak: Found) -> str:
    lines = [f"| provider | {' | '.join(Fault)} |", "|---" * (len(Fault) + 1) + "|"]
    for profile in PROFILES:
        marks = [
            "".join(
                MARKS.get(soak.cells.get((profile.name, fault, operation), ""), NONE)
                for operation in Operation
            )
            for fault in Fault
        ]
        lines.append(f"| `{profile.provider}`: {profile.server} | {' | '.join(marks)} |")
    return "\n".join(lines)


def _kills(soak: Found) -> str:
    rows = [f"| {kind} | {count} |" for kind, count in sorted(soak.kills.items())]
    return "\n".join(("| killed | times |", "|---|---|", *rows))


def _untold(soak: Found) -> str:
    """Return a line for each fault and operation that no client can tell, with the places."""
    untold: defaultdict[str, list[str]] = defaultdict(list)
    for (name, fault, operation), ending in sorted(soak.cells.items()):
        if ending == WORDS[Ending.UNTOLD]:
            untold[f"{fault} while {operation}"].append(f"`{name}`")
    return "\n".join(f"* {what}: {', '.join(names)}" for what, names in sorted(untold.items()))


def _reasons() -> str:
    """Return why cells do not exist, each with their number."""
    why = Counter(reasons().values())
    return "\n".join(f"* {reason} ({count})" for reason, count in sorted(why.items()))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(found(read(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
