"""The page on reliability has every provider and every fault, and says what a soak found."""

from __future__ import annotations

from providers.registry import BUILT_IN
from tests.faults.kit.fault_kinds import WORDS, Ending, Fault
from tests.faults.kit.operations import DEEDS
from tests.faults.kit.target_profiles import PROFILES
from tests.faults.report import PAGE, found, page

LINES: list[dict[str, object]] = [
    {"cell": ["s3", "reset", "reading"], "ending": "right", "tries": [["down once", "right", ""]]},
    {
        "cell": ["ftp", "flip", "reading"],
        "ending": "not detectable",
        "tries": [["down once", "not detectable", "x"], ["down always", "clear error", "y"]],
    },
    {"kills": "sync", "count": 20, "runs": 4},
]


def test_the_matrix_has_every_provider_and_the_page_every_place_and_fault() -> None:
    assert {one.provider for one in PROFILES} == set(BUILT_IN)
    text = PAGE.read_text()
    table = text.partition("## Provider by fault")[2].partition("## Kills")[0]
    for profile in PROFILES:
        assert f"| `{profile.provider}`: {profile.server} |" in table
    assert all(f"| {fault} |" in table and f"* *{fault}*:" in table for fault in Fault)
    kills = text.partition("## Kills")[2]
    for kind in (*DEEDS, "gateway", "coordinator", "writer"):
        assert f"| {kind} |" in kills


def test_the_page_tells_of_no_wrong_and_no_hanging_cell() -> None:
    totals = PAGE.read_text().partition("## Totals")[2].partition("##")[0]
    for ending in (Ending.WRONG, Ending.HUNG):
        (line,) = [one for one in totals.splitlines() if f" {WORDS[ending]} |" in one]
        assert line.endswith("| 0 | 0 |")


def test_a_page_counts_cells_and_tries_and_marks_them() -> None:
    soak = found([*LINES[:1], {**LINES[0], "ending": "clear error"}, *LINES[1:]])
    text = page(soak)
    assert "| ○ clear error | 1 | 1 |" in text
    assert "| △ not detectable | 1 | 1 |" in text
    assert "| in all | 2 | 3 |" in text
    assert "| sync | 20 |" in text
    assert "flip while reading: `ftp`" in text
