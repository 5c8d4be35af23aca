"""Rates by hour and weekday: what is written holds, when it is written to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from catalog.errors import InvalidInput
from tests.transfer.clock import Clock
from transfer.workers.limits import Limits, RequestLimiter
from transfer.workers.timetable import Timetable

MONDAY = datetime(2026, 3, 2)  # noqa: DTZ001 - of the timetable's own clock


def at(text: str, day: int, hour: int, minute: int = 0, *, sizes: bool = True) -> float | None:
    """Return what a timetable says of a time of a week; day 0 is Monday."""
    return Timetable.parse(text, sizes=sizes).at(
        MONDAY.replace(day=2 + day, hour=hour, minute=minute)
    )


@pytest.mark.parametrize(
    ("text", "day", "hour", "minute", "wanted"),
    [
        ("08:00,1M 20:00,off", 0, 7, 59, None),
        ("08:00,1M 20:00,off", 0, 8, 0, 2**20),
        ("08:00,1M 20:00,off", 6, 19, 59, 2**20),
        ("08:00,1M 20:00,off", 6, 20, 0, None),
        ("20:00,off 08:00,1M", 2, 9, 0, 2**20),
        ("8:00,512k", 3, 0, 0, 512 * 2**10),
        ("Mon-08:00,1M Sat-00:00,off", 0, 7, 0, None),
        ("Mon-08:00,1M Sat-00:00,off", 4, 23, 59, 2**20),
        ("monday-08:00,1M SAT-00:00,off", 5, 0, 0, None),
        ("00:00,1.5M Fri-18:00,10MiB", 4, 18, 0, 10 * 2**20),
        ("00:00,1.5M Fri-18:00,10MiB", 5, 0, 0, 1.5 * 2**20),
        ("00:00,100B", 1, 1, 1, 100),
    ],
)
def test_each_entry_holds_until_the_next(
    text: str, day: int, hour: int, minute: int, wanted: float | None
) -> None:
    assert at(text, day, hour, minute) == wanted


def test_requests_are_plain_numbers() -> None:
    assert at("08:00,5 20:00,off", 0, 9, sizes=False) == 5.0
    assert at("08:00,0.5", 0, 9, sizes=False) == 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("8,1M", "is not an entry of a timetable: expected 08:00,512k"),
        ("24:00,1M", "expected a time from 00:00 to 23:59"),
        ("08:60,1M", "expected a time from 00:00 to 23:59"),
        ("Mit-08:00,1M", "is not an entry"),
        ("08:00,1M 08:00,2M", "twice"),
        ("Mon-08:00,1M 08:00,2M", "twice"),
        ("08:00,512", "'512' has no unit: write 512B, 512k or 512M"),
        ("08:00,0k", "above 0"),
        ("08:00,-1k", "above 0"),
        ("08:00,1M:2M", "above 0"),
        ("08:00,1e9k", "above 0"),
    ],
)
def test_what_cannot_be_read_says_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Timetable.parse(text, sizes=True)


def test_a_zone_that_nobody_knows_is_refused() -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "\0"):
        with pytest.raises(InvalidInput, match="not a time zone"):
            Timetable.parse("08:00,1M", sizes=True, zone=zone)


@given(some.text(max_size=30))
def test_any_text_is_a_timetable_or_an_error_of_ours(text: str) -> None:
    with suppress(InvalidInput):
        found = Timetable.parse(text, sizes=True)
        assert len(found.minutes) == len(found.rates) > 0


def clock_of_the_wall(monkeypatch: pytest.MonkeyPatch, start: datetime, passing: Clock) -> None:
    """Let the timetable's clock begin at `start` and go as the waiting does."""

    def now(zone: tzinfo | None) -> datetime:
        return (start + timedelta(seconds=passing.now_s)).astimezone(zone)

    monkeypatch.setattr("transfer.workers.timetable.datetime", SimpleNamespace(now=now))


def test_it_goes_by_the_clock_of_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    sunday = datetime(2026, 3, 1, 23, 30, tzinfo=ZoneInfo("UTC"))
    clock_of_the_wall(monkeypatch, sunday, Clock())
    text = "Mon-00:00,1M Mon-06:00,off"
    assert Timetable.parse(text, sizes=True, zone="UTC").now() is None
    assert Timetable.parse(text, sizes=True, zone="Europe/Berlin").now() == 2**20


def test_bytes_that_wait_go_on_at_the_new_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.of_limits(monkeypatch)
    clock_of_the_wall(monkeypatch, datetime(2026, 3, 2, 7, 59, tzinfo=ZoneInfo("UTC")), clock)
    table = Timetable.parse("07:00,1000B 08:00,2000B 09:00,off", sizes=True, zone="UTC")
    limiter = RequestLimiter(Limits(bytes_per_s=table))

    limiter.throttle(120_000, clock)

    assert clock.now_s == pytest.approx(60 + 30, rel=0.05)
    clock.now_s = 3700.0
    limiter.throttle(10**9, clock)
    assert clock.now_s == 3700.0


def test_requests_have_a_timetable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.of_limits(monkeypatch)
    clock_of_the_wall(monkeypatch, datetime(2026, 3, 2, 7, 59, tzinfo=ZoneInfo("UTC")), clock)
    table = Timetable.parse("07:00,2 08:00,off", sizes=False, zone="UTC")
    limiter = RequestLimiter(Limits(requests_per_s=table))

    for _ in range(1000):
        with limiter.connection(clock):
            pass

    assert clock.now_s == pytest.approx(60, rel=0.05)


def test_a_block_has_one_and_says_what_is_wrong_with_it() -> None:
    from blocks.limits import LimitSettings  # noqa: PLC0415 - imports Prefect

    limits = LimitSettings(
        bytes_timetable="08:00,1M 20:00,off", requests_timetable="08:00,5", timezone="UTC"
    ).in_process()
    assert isinstance(limits.bytes_per_s, Timetable)
    assert isinstance(limits.requests_per_s, Timetable)
    assert limits.bytes_per_s.at(MONDAY.replace(hour=9)) == 2**20
    assert hash(limits) == hash(replace(limits))
    for given_, says in (
        ({"bytes_timetable": "8am,1M"}, "is not an entry of a timetable"),
        ({"bytes_timetable": "08:00,1M", "bytes_per_s": 5}, "leave one empty"),
        ({"requests_timetable": "08:00,1M"}, "have no unit"),
        ({"bytes_timetable": "08:00,1M", "timezone": "Mars"}, "not a time zone"),
    ):
        with pytest.raises(ValidationError, match=says):
            LimitSettings.model_validate(given_)
