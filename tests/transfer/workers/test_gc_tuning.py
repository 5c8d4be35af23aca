"""The garbage collector while runs are under way."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from transfer.workers.memory_tuning import RELAXED_THRESHOLD, relaxed_collector


@pytest.fixture(autouse=True)
def thresholds() -> Generator[None]:
    """Begin with Python's own thresholds, and leave what was there."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_the_last_run_to_end_puts_back_what_was_before() -> None:
    """Runs of one process overlap in any order."""
    first, second = relaxed_collector(), relaxed_collector()
    with first:
        second.__enter__()
        assert gc.get_threshold() == (RELAXED_THRESHOLD, 10, 10)
    assert gc.get_threshold() == (RELAXED_THRESHOLD, 10, 10)
    second.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [0, 50_000])
def test_a_collector_that_was_calmer_already_is_left_alone(own: int) -> None:
    """Zero is how a program turns it off."""
    gc.set_threshold(own, 10, 10)
    with relaxed_collector():
        assert gc.get_threshold() == (own, 10, 10)
    assert gc.get_threshold() == (own, 10, 10)


def test_what_is_chosen_meanwhile_stays() -> None:
    """A program that sets the collector while a run is under way knows better."""
    with relaxed_collector():
        gc.set_threshold(1_000, 5, 5)
    assert gc.get_threshold() == (1_000, 5, 5)
