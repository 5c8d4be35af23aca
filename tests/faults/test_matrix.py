"""Every place x every fault x everything that is done there: right, or a clear error.

A tenth of the tries in CI, always the same; all of them by `make soak`, which sets ENTREPOT_SOAK_S.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.kit.cells import Cell, cell, cells, reasons, sample
from tests.faults.kit.fault_kinds import Ending, Fault, Operation
from tests.faults.kit.matrix import tried
from tests.faults.kit.target import Target
from tests.faults.kit.target_profiles import PROFILES
from tests.faults.results import note_cell

SOAKS = "ENTREPOT_SOAK_S" in os.environ
CHOSEN = cells() if SOAKS else sample(cells())


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    "one",
    [pytest.param(one, id=one.name, marks=pytest.mark.xdist_group(one.place)) for one in CHOSEN],
)
def test_a_fault_ends_right_or_in_a_clear_error(
    one: Cell, place_of: Callable[[str], Target]
) -> None:
    tries = tried(one, place_of(one.place))
    note_cell(one, tries)
    bad = [f"{each.way}: {each.told.why}" for each in tries if each.told.ending >= Ending.WRONG]
    assert not bad
    assert [str(each.way) for each in tries if each.struck], "the fault struck nowhere"


def test_each_cell_exists_or_there_is_a_reason_in_words() -> None:
    found = {(one.place, one.fault, one.operation) for one in cells()}
    every = {
        (profile.name, fault, operation)
        for profile in PROFILES
        for fault in Fault
        for operation in Operation
    }
    assert found | set(reasons()) == every
    assert all(" " in why for why in reasons().values())
    assert cell("http", Fault.RESET, Operation.WRITING) == "a web server's pages cannot be written"


def test_the_tenth_that_ci_tries_has_each_place_and_each_fault() -> None:
    few = sample(cells())
    assert {one.place for one in few} == {one.name for one in PROFILES}
    assert {one.fault for one in few} == set(Fault)
    assert {one.operation for one in few} == set(Operation)
    assert few == sample(cells())
    tries = sum(len(one.ways) for one in cells())
    assert abs(sum(len(one.ways) for one in few) - tries / 10) < 2
