"""Which cells the matrix has, and why the others are none: pure, asks no server.

>>> cell("sftp", Fault.BUSY, Operation.READING)
'SSH knows no such reply'
>>> len(cell("s3", Fault.RESET, Operation.WRITING).ways)
4
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.faults.kit.fault_kinds import Direction, Fault, Often, Operation, Way
from tests.faults.kit.target_profiles import BY_NAME, PROFILES, Speech, TargetProfile

IN_STREAMS = frozenset(
    {Fault.RESET, Fault.TRUNCATE, Fault.STALL, Fault.SLOW, Fault.FLIP, Fault.GONE}
)
CHANGES = frozenset({Operation.WRITING, Operation.REMOVING})
DOWN, UP = Direction.DOWN, Direction.UP


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, and the ways in which its fault strikes there."""

    place: str
    fault: Fault
    operation: Operation
    ways: tuple[Way, ...]

    @property
    def name(self) -> str:
        """Return a name that no other cell has."""
        return f"{self.place}: {self.fault} while {self.operation}"


def cell(place: str, fault: Fault, operation: Operation) -> Cell | str:
    """Return a cell, or why there is none."""
    profile = BY_NAME[place]
    why = _none(profile, fault, operation)
    return why or Cell(place, fault, operation, _ways(fault, operation))


def cells() -> tuple[Cell, ...]:
    """Return every cell that exists."""
    return tuple(one for _, one in _all() if isinstance(one, Cell))


def reasons() -> dict[tuple[str, Fault, Operation], str]:
    """Return why the others do not exist."""
    return {key: one for key, one in _all() if isinstance(one, str)}


def _all() -> Iterator[tuple[tuple[str, Fault, Operation], Cell | str]]:
    for profile in PROFILES:
        for fault in Fault:
            for operation in Operation:
                yield (profile.name, fault, operation), cell(profile.name, fault, operation)


def _none(profile: TargetProfile, fault: Fault, operation: Operation) -> str:  # noqa: PLR0911 - a table
    """Return why a cell does not exist, or nothing."""
    if operation in CHANGES and profile.read_only:
        return profile.read_only
    if fault is Fault.FULL:
        return profile.no_disk if operation in CHANGES else ""
    if profile.speech is Speech.NONE:
        return "no connection lies between"
    if fault in IN_STREAMS:
        return ""
    if profile.speech is Speech.SSH:
        return "whoever stands between cannot say a word" if _lies(fault) else _UNKNOWN_TO_SSH
    if profile.speech is Speech.FTP and fault in {Fault.TOO_MANY, Fault.ETAG, Fault.AWAY}:
        return {
            Fault.TOO_MANY: "FTP has one such reply, 421: see 503",
            Fault.ETAG: "FTP has no etags",
            Fault.AWAY: "FTP has no redirects",
        }[fault]
    if profile.name == "git" and fault is Fault.ETAG:
        return "git has no etags: its names are digests"
    return ""


_UNKNOWN_TO_SSH = "SSH knows no such reply"


def _lies(fault: Fault) -> bool:
    return fault in {Fault.SIZE, Fault.ETAG}


def _ways(fault: Fault, operation: Operation) -> tuple[Way, ...]:
    if fault is Fault.FULL:
        return (Way(DOWN, Often.ALWAYS),)
    both = fault in IN_STREAMS and operation in CHANGES
    if fault is Fault.FLIP and operation is Operation.REMOVING:
        both = False  # in words that nobody signs it names another file: no client can tell
    return tuple(
        Way(direction, often) for direction in ((DOWN, UP) if both else (DOWN,)) for often in Often
    )


def sample(every: tuple[Cell, ...], share: int = 10) -> tuple[Cell, ...]:
    """Return one of `share` tries, always the same: each place, fault and operation is among them.

    >>> few = sample(cells())
    >>> {one.fault for one in few} == set(Fault), {len(one.ways) for one in few}
    (True, {1})
    """
    wanted = max(1, sum(len(one.ways) for one in every) // share)
    rest = dict(enumerate(every))
    chosen: list[Cell] = []
    counts: Counter[object] = Counter()
    while len(chosen) < wanted and rest:
        at = min(rest, key=lambda at: (_met(counts, rest[at]), at * 7 % len(every)))
        one = rest.pop(at)
        counts.update((one.place, one.fault, one.operation, (one.place, one.operation)))
        ways = [way for way in one.ways if way.often is Often.ONCE or one.fault not in _SLOW]
        chosen.append(replace(one, ways=(ways[len(chosen) % len(ways)],)))
    return tuple(chosen)


_SLOW = frozenset({Fault.STALL, Fault.TOO_MANY, Fault.BUSY})
"""Faults that cost seconds when they strike always."""


def _met(counts: Counter[object], one: Cell) -> int:
    """Say how often what a cell consists of was chosen."""
    return (
        3 * counts[one.place]
        + 3 * counts[one.fault]
        + counts[one.operation]
        + 9 * (counts[one.place, one.operation])
    )
