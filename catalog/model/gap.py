"""Gaps: what a listing could not see, and why. What is unknown is never taken for gone.

>>> Gap("logs", "permission denied", below=True).covers("logs/2026/a.txt")
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from catalog.errors import StorageError
from catalog.glob import globs_to_regex
from catalog.model.plan import Selection
from catalog.model.resource import Resource
from catalog.paths import is_below

UNREADABLE = "unreadable-entry"
NAME = "name-not-allowed"
BOUND = "bound-reached"
GAP_ADVICE = (
    "nothing there was removed; grant access, leave it out with exclude, "
    "or accept it with allow_gaps"
)

_SAMPLE_NAMES = ("\x01", "\x01/\x01")  # a file in a folder and one deeper, with unused names


@dataclass(frozen=True, slots=True)
class Gap:
    """A name or folder that a listing could not see; `path` is '' for the whole repository.

    `below`: everything below the path is unknown too. `code` is one of `catalog.errors`, or
    `unreadable-entry`, `name-not-allowed`, `bound-reached`.
    """

    path: str
    why: str
    code: str = StorageError.code
    below: bool = False

    def __str__(self) -> str:
        """Return one line."""
        folder = " and everything below it" if self.below else ""
        return f"{self.path or '/'!r}{folder} could not be seen: {self.why}"

    def overlaps(self, prefix: str) -> bool:
        """Say whether anything at or below a prefix is unknown because of this gap."""
        return is_below(prefix, self.path) or self.covers(prefix)

    def covers(self, path: str) -> bool:
        """Say whether a path is unknown because of this gap."""
        return is_below(self.path, path) if self.below else path == self.path

    def matches(self, globs: Sequence[str]) -> bool:
        """Say whether everything that may be in the gap matches one of `globs`.

        >>> Gap("a/b", "denied", below=True).matches(["a/**"])
        True
        >>> Gap("a", "denied", below=True).matches(["a/*"])
        False
        """
        if not globs:
            return False
        matches = re.compile(globs_to_regex(globs)).fullmatch
        if self.path and matches(self.path):
            return True
        start = f"{self.path}/" if self.path else ""
        return self.below and all(matches(start + name) for name in _SAMPLE_NAMES)

    def affects(self, selection: Selection) -> bool:
        """Say whether something that a selection includes may be in the gap.

        >>> Gap("a", "denied", below=True).affects(Selection(include=("b/**",)))
        False
        """
        if self.matches(selection.exclude):
            return False
        if not self.below and any(
            _regex_found(pattern, self.path) for pattern in selection.exclude_regex
        ):
            return False
        return all(
            not globs or any(self._may_match(glob) for glob in globs)
            for globs in (selection.include, selection.also_include)
        )

    def _may_match(self, glob: str) -> bool:
        """Say whether a glob may match something in the gap; true when in doubt."""
        if not self.below:
            return self.matches((glob,))
        if "/" not in glob.removeprefix("/") and not glob.startswith("/"):
            return True  # a name, at any depth
        wanted = glob.removeprefix("/").split("/")
        for place, segment in enumerate(self.path.split("/") if self.path else ()):
            if place >= len(wanted) - 1:
                return "**" in wanted[-1] or not wanted[-1]
            if "**" in wanted[place] or "[" in glob:
                return True
            if not re.fullmatch(globs_to_regex((wanted[place],)), segment):
                return False
        return True


@dataclass(frozen=True, slots=True)
class FoundGap:
    """A gap, with the address that was listed and its role."""

    address: str
    role: str  # source, destination, markers, history …
    gap: Gap

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.role} {self.address}: {self.gap}"


Listed: TypeAlias = Resource | Gap
"""An entry of a listing: a file, or what could not be listed."""


def gap_from_error(error: StorageError, path: str, *, below: bool) -> Gap:
    """Return the gap for an error at one place of a listing."""
    return Gap(path, error.message, error.code, below)


def files_collecting_gaps(listed: Iterable[Listed], gaps: list[Gap]) -> Iterator[Resource]:
    """Yield the files of a listing; append its gaps to `gaps`."""
    for entry in listed:
        if isinstance(entry, Gap):
            gaps.append(entry)
        else:
            yield entry


def _regex_found(pattern: str, path: str) -> bool:
    try:
        return re.search(pattern, path) is not None
    except re.error:  # valid in RE2 but not in Python: treat it as no match
        return False
