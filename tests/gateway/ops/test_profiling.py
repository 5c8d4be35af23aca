"""A profile tells where threads are, and who asks too much is refused."""

from __future__ import annotations

import re
from threading import Event, Thread

import pytest

from catalog.errors import InvalidInput
from gateway.http.errors import ProfileUnderWay
from gateway.ops import profiling
from gateway.ops.profiling import profile

LINE = re.compile(r"\S+(;\S+)+ [0-9]+")


def waits_here(begun: Event, end: Event) -> None:
    begun.set()
    end.wait(120)


def test_a_profile_is_collapsed_stacks_of_every_other_thread() -> None:
    begun, end = Event(), Event()
    thread = Thread(target=waits_here, args=(begun, end), name="a; b")
    thread.start()
    try:
        assert begun.wait(120)
        lines = profile(0.05).splitlines()
    finally:
        end.set()
        thread.join()
    assert all(LINE.fullmatch(line) for line in lines)
    (mine,) = [line for line in lines if line.startswith("a,_b;")]
    assert f"{__name__}.waits_here:" in mine
    assert "threading.Thread.run:" in mine.split(".waits_here")[0]
    assert not [line for line in lines if "profiling.profile" in line]


@pytest.mark.parametrize("seconds", [0, -1, 61, float("nan")])
def test_a_profile_of_no_time_or_too_long_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidInput):
        profile(seconds)


def test_one_profile_is_taken_at_a_time() -> None:
    with profiling._one_at_a_time, pytest.raises(ProfileUnderWay):  # pyright: ignore[reportPrivateUsage]
        profile(1)
    profile(0.01)  # the next one is let in
