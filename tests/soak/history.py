"""What clients of one destination did and saw, and whether one after another could explain it.

Each client writes an event when an operation has ended: when it began and ended (the machine's
monotonic clock, which all processes share), and what it was told. `explained` is pure: it takes
the events and the versions that stand at the end, and returns a line for all that no order of the
operations explains in which each takes place at one moment between its beginning and its end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

WRITES = ("sync", "restore")
READ = "read"
PUT = "put"
GET = "get"
Content = Mapping[str, str]
"""The digest of each path."""


@dataclass(frozen=True, slots=True)
class Event:
    """One operation of one client.

    `number` is the version it made, found or read (of a destination or a resource), `base` that
    which a restore brought back, `digest` stands for the content it meant or saw.
    """

    kind: str
    who: str
    began: float
    ended: float
    number: int | None = None
    made: bool = False
    base: int | None = None
    digest: str = ""
    name: str = ""
    error: str = ""


class Log:
    """Where one client writes its events, a line each, before it goes on."""

    def __init__(self, path: Path, who: str) -> None:
        """Write to `path` for the client `who`."""
        self._file = path.open("a", buffering=1)
        self._who = who

    @contextmanager
    def event(self, kind: str, name: str = "") -> Generator[list[Event]]:
        """Time an operation; the list's last event is written when it is over.

        What it raises is the event's error, and the next operation follows.
        """
        began = time.monotonic()
        told = [Event(kind, self._who, began, began, name=name)]
        try:
            yield told
        except Exception as error:  # noqa: BLE001 - the history tells it, and the test fails by it
            told.append(replace(told[-1], error=f"{type(error).__name__}: {error}"[:2000]))
        one = replace(told[-1], ended=time.monotonic())
        self._file.write(json.dumps(asdict(one)) + "\n")


def read_events(folder: Path) -> list[Event]:
    """Return what every client wrote, in the order in which it ended."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted((Event(**json.loads(line)) for line in lines), key=lambda one: one.ended)


def explained(events: Iterable[Event], versions: Mapping[int, str]) -> list[str]:
    """Return what is wrong with a history of one destination, by `versions`: number to content."""
    every = list(events)
    wrong = [f"{one.who}: {one.kind} failed: {one.error}" for one in every if one.error]
    writes = [one for one in every if one.kind in WRITES and not one.error]
    makers: dict[int, Event] = {}
    for one in writes:
        if one.made and one.number is not None:
            if one.number in makers:
                wrong.append(f"version {one.number} was acknowledged to two: {makers[one.number]}")
            makers[one.number] = one
    wrong += [f"version {number} is lost: {one}" for number, one in makers.items()
              if number not in versions]  # fmt: skip
    wrong += _contents(writes, makers, versions)
    wrong += _order(makers)
    wrong += _reads([one for one in every if one.kind == READ and not one.error], makers, versions)
    return wrong


def _contents(
    writes: list[Event], makers: Mapping[int, Event], versions: Mapping[int, str]
) -> Iterator[str]:
    """Each version is what its maker meant; who found nothing to do found just what was meant."""
    for number, content in sorted(versions.items()):
        if number == 0:
            continue  # nothing was there yet
        if number not in makers:
            yield f"nobody made version {number}"
        elif (meant := _meant(makers[number], versions)) != content:
            yield f"version {number} is not what was meant: {meant} by {makers[number]}"
    for one in writes:
        if not one.made and not any(
            content == _meant(one, versions) and _stood(number, makers, one)
            for number, content in versions.items()
        ):
            yield f"nothing to do, but nothing like it stood then: {one}"


def _meant(one: Event, versions: Mapping[int, str]) -> str | None:
    return one.digest if one.base is None else versions.get(one.base)


def _stood(number: int, makers: Mapping[int, Event], one: Event) -> bool:
    """Say whether a version may have been the latest at a moment of an operation."""
    begins = makers[number].began if number in makers else float("-inf")
    after = makers.get(number + 1)
    return begins <= one.ended and (after is None or after.ended >= one.began)


def _order(makers: Mapping[int, Event]) -> Iterator[str]:
    """Who ended before another began has the lower number."""
    latest: Event | None = None  # of those with lower numbers, whoever began last
    for number in sorted(makers):
        one = makers[number]
        if latest is not None and one.ended < latest.began:
            yield f"version {number} was over before version {latest.number} began"
        if latest is None or one.began > latest.began:
            latest = one


def _reads(
    reads: list[Event], makers: Mapping[int, Event], versions: Mapping[int, str]
) -> Iterator[str]:
    """A reader sees a version whole, none older than the latest acknowledged, none from later."""
    for one in reads:
        number = one.number or 0
        if one.digest != versions.get(number):
            yield f"a reader saw another version {number}: {one}"
        elif not _stood(number, makers, one):
            yield f"version {number} was read when it was not the latest: {one}"


def kept(events: Iterable[Event], stored: Mapping[tuple[str, int], str]) -> list[str]:
    """Return what is wrong with a history of resources, by what is stored: (name, version)."""
    every = [one for one in events if one.kind in {PUT, GET}]
    wrong = [f"{one.who}: {one.kind} failed: {one.error}" for one in every if one.error]
    puts = {(one.name, one.number or 0): one for one in every if one.kind == PUT and not one.error}
    wrong += [
        f"{name} version {number} is lost or another: {one}"
        for (name, number), one in puts.items()
        if stored.get((name, number)) != one.digest
    ]
    for one in every:
        if one.kind == GET and not one.error and one.digest not in _current(one, puts):
            wrong.append(f"{one.name}: an older version was read, or what nobody had put: {one}")
    return wrong


def _current(one: Event, puts: Mapping[tuple[str, int], Event]) -> set[str]:
    """Return the digests that a read may have found: of the latest put before it, and since."""
    own = {number: put for (name, number), put in puts.items() if name == one.name}
    before = max((number for number, put in own.items() if put.ended < one.began), default=0)
    return {
        put.digest for number, put in own.items() if number >= before and put.began <= one.ended
    }
