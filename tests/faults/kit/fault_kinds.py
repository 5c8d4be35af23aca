"""The words of the matrix: what goes wrong, during what, how often, and how it may end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Fault(StrEnum):
    """What the outside world does."""

    RESET = "reset"
    """The connection is reset half way."""
    TRUNCATE = "truncate"
    """The connection ends half way, as if all had been said."""
    STALL = "stall"
    """Nothing more comes, and nobody hangs up."""
    SLOW = "slow"
    """All of it comes, in small pieces."""
    FLIP = "flip"
    """One bit is another."""
    GONE = "gone"
    """The server is killed half way: every connection breaks, and nobody listens any more."""
    TOO_MANY = "429"
    """Too many requests, with Retry-After."""
    BUSY = "503"
    """Busy, with Retry-After; 421 of an FTP server."""
    SIZE = "lying size"
    """Listings tell other sizes, and bodies are called whole at half of their length."""
    ETAG = "lying etag"
    """No two replies agree in their etags."""
    AWAY = "redirect"
    """Another server is pointed to, which answers everything with a login page."""
    FULL = "full disk"
    """There is no room: of the catalog when listing, here when reading, there when writing."""


class Operation(StrEnum):
    """What somebody does when a fault strikes."""

    LISTING = "listing"
    READING = "reading"
    WRITING = "writing"
    REMOVING = "removing"


class Direction(StrEnum):
    """Which way the bytes go that a fault strikes."""

    DOWN = "down"
    """From the server."""
    UP = "up"
    """To the server."""


class Often(StrEnum):
    """How often a fault strikes."""

    ONCE = "once"
    ALWAYS = "always"
    """On every connection, or at every request."""


class Ending(IntEnum):
    """How it ended; the larger the worse."""

    RIGHT = 0
    """As if there had been no fault."""
    CLEAR = 1
    """An error of ours or a gap, and nothing wrong anywhere."""
    UNTOLD = 2
    """Other bytes or names than were sent, where no client can tell: nothing there was a digest
    of, on a connection without encryption."""
    WRONG = 3
    """Other bytes, a partial listing without a gap, half a file under its name, something else
    removed, or an error that is not ours."""
    HUNG = 4
    """It did not end."""


WORDS = {
    Ending.RIGHT: "right",
    Ending.CLEAR: "clear error",
    Ending.UNTOLD: "not detectable",
    Ending.WRONG: "wrong",
    Ending.HUNG: "hung",
}


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """One way in which a fault strikes."""

    direction: Direction
    often: Often

    def __str__(self) -> str:
        """Say it in two words."""
        return f"{self.direction} {self.often}"


@dataclass(frozen=True, slots=True)
class Told:
    """How one try ended, and what there is to say of it."""

    ending: Ending
    why: str = ""


def worst(told: list[Told]) -> Told:
    """Return the worst of several endings.

    >>> worst([Told(Ending.RIGHT), Told(Ending.CLEAR, "x")]).why
    'x'
    """
    return max(told, key=lambda one: one.ending, default=Told(Ending.RIGHT))
