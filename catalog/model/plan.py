"""The words of a plan: what may be asked of it, and what a row of it says.

The decision itself is `catalog.rules.decide`; in SQL it is `catalog/store/sql/decide.sql`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from catalog.model.digest import TRUSTED
from catalog.model.fingerprint import Fingerprint
from catalog.model.modification import Modification
from catalog.model.resource import NO_PROPERTIES


class Mode(StrEnum):
    """Whether what the source dropped leaves the destination."""

    ADDITIVE = "additive"
    MIRROR = "mirror"


class Policy(StrEnum):
    """When the bytes of a resource are fetched."""

    IMMEDIATE = "immediate"
    """By the sync."""
    ON_DEMAND = "on_demand"
    """When they are first asked for, and then they are kept."""
    STREAMED = "streamed"
    """Each time they are asked for; they are never kept."""


class Strategy(StrEnum):
    """What makes a resource count as already there."""

    DIGEST = "digest"
    """Equal digests; where the source declares none, its fingerprint as it was when copied."""
    FINGERPRINT = "fingerprint"
    """The source's etag, or else size and time, as they were when copied."""
    SIZE = "size"
    """Equal size at the destination, whoever put it there."""
    NAME = "name"
    """Anything of that name at the destination."""
    MARKER = "marker"
    """A marker at the destination, or else anything of that name; what is known to have changed at
    the source since it was copied is copied anew."""
    ALWAYS = "always"
    """Nothing: everything moves."""


class Action(StrEnum):
    """What a plan row asks for."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"
    KEEP = "keep"


class OnError(StrEnum):
    """What one failed item does to the rest of the run."""

    CONTINUE = "continue"
    FAIL = "fail"


class Sorting(StrEnum):
    """By what resources are ordered before some are skipped and some are taken."""

    PATH = "path"
    PATH_DESCENDING = "path, descending"
    SIZE = "size"
    SIZE_DESCENDING = "size, descending"
    MODIFIED = "modified"
    MODIFIED_DESCENDING = "modified, descending"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resources take part: those that every given rule lets through.

    Globs are over the whole path at the source (`**` crosses folders), regular expressions (RE2)
    are searched for in it; of several of one kind any is enough. What a source does not tell
    satisfies no bound. `skip` and `take` count what all other rules let through.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    skip_empty: bool = False
    allow_empty: bool = False
    also_include: tuple[str, ...] = ()  # globs too: one of these must match as well
    include_regex: tuple[str, ...] = ()
    exclude_regex: tuple[str, ...] = ()
    min_size: int | None = None  # bytes
    max_size: int | None = None  # bytes
    min_age_s: float | None = None
    max_age_s: float | None = None
    where: str = ""  # SQL over the columns of a listing
    settled_s: float | None = None  # unchanged for so long
    settled_marker: str = ""  # name of a file that says that another is whole
    order: Sorting = Sorting.PATH
    skip: int = 0
    take: int | None = None
    as_of_us: int | None = None  # ages count from here; unless given, from when the plan was made


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large one batch may grow; a single larger file is a batch of its own.

    A file over `heaviest` bytes counts as that much: it passes through and is not staged.
    """

    count: int = 5000
    bytes: int = 256 * 2**20
    heaviest: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Target:
    """One destination of a plan: its address, and the listing of it, if one was made."""

    address: str
    listing: str | None = None
    match_etags: bool = False
    """Whether the listing's etags follow the content (object stores), else times are compared."""
    tree: bool = True
    markers: str | None = None
    """The listing of its markers, where the strategy asks for it."""
    layout: str | None = None
    """How its files are laid out; one that holds files laid out otherwise is refused."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """All that decides a plan; `wanted` is the id of a spooled listing of what should be there."""

    plan_id: str
    source: str
    wanted: str
    targets: tuple[Target, ...]
    mode: Mode = Mode.ADDITIVE
    policy: Policy = Policy.IMMEDIATE
    strategy: Strategy = Strategy.DIGEST
    selection: Selection = field(default=Selection())
    limits: BatchLimits = field(default=BatchLimits())
    trusted: tuple[str, ...] = TRUSTED
    batch_kept: bool = False
    """Put what every target keeps into batches too, so that the source can be cleaned of it."""
    run_id: str | None = None
    ends: tuple[str, ...] = ()
    """What leads to source and targets again: block names or addresses; '' where nothing does."""
    places: tuple[str, ...] = ()
    """Addresses beside source and targets that may be read, where the catalog knows the bytes."""
    content: tuple[str, int] | Modification | None = None
    """The version (address, number) or the set made out of versions that is wanted, where that and
    no listing tells it."""
    options: str = "{}"
    """How to carry the plan out, as JSON: what the flow was told besides."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts and bytes of one destination's part of a plan."""

    address: str
    add: int = 0
    replace: int = 0
    remove: int = 0
    keep: int = 0
    bytes: int = 0  # to be written; unknown sizes count 0
    removed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan will cost, from what runs between the same places took."""

    requests: int  # at source and targets; the parts of large files are not counted
    seconds: float | None  # None: nothing is known of such runs
    samples: int  # runs that it comes from


@dataclass(frozen=True, slots=True)
class Plan:
    """A stored plan: falsy when there is nothing to do."""

    plan_id: str
    digest: str
    created_at: datetime
    source: str
    mode: Mode
    strategy: Strategy
    tallies: tuple[Tally, ...]
    batches: int
    matched: int  # resources that the selection let through
    forecast: Forecast | None = None  # None: nothing is to be done
    policy: Policy = Policy.IMMEDIATE

    def __bool__(self) -> bool:
        """Say whether anything is to be done."""
        return any(one.add or one.replace or one.remove for one in self.tallies)


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A slice of a plan: its number, and how much it holds."""

    number: int
    count: int
    bytes: int
    removals: bool = False
    """Whether it removes and nothing else; such batches come last."""
    clears: bool = False
    """Whether it removes what stands in the way of what it brings; such batches come first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the catalog knows the bytes of a file to lie, and the etag they had when recorded."""

    address: str
    path: str
    sha256: str  # hex: declared by the source, or learned when the same file was read before
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One file to read once and write to all `destinations` (indexes of the plan's targets).

    `origin` is its path at the source, `path` at the destinations. `removals` of a plan have
    `action` REMOVE and no origin to read.
    """

    origin: str
    path: str
    size: int | None
    etag: str | None
    modified_us: int | None
    digests: tuple[str, ...]  # algorithm:hex, declared and trusted
    content_type: str | None
    properties: str | None  # JSON object, or nothing
    destinations: tuple[int, ...]
    actions: tuple[Action, ...]  # one for each destination
    known_copies: tuple[Place, ...] = ()
    """Where the catalog knows its bytes to lie, at most three places."""
    conflict: str | None = None
    """The planned path that a tree cannot hold beside this one: one of them would be a folder.

    Of a removal it is the arrival that needs its place.
    """
    previous: tuple[Fingerprint | None, ...] = ()
    """What the catalog knows of the file that is replaced, removed or missing, by destination."""

    def previous_at(self, target: int) -> Fingerprint | None:
        """Return what the catalog knows to stand at a destination, if there is anything."""
        return self.previous[self.destinations.index(target)] if self.previous else None

    def properties_mapping(self) -> Mapping[str, str]:
        """Return the properties as a mapping."""
        if not self.properties:
            return NO_PROPERTIES
        found: dict[str, str] = json.loads(self.properties)
        return found

    def declared_sha256(self) -> str | None:
        """Return the declared sha256 in hex, if there is one."""
        for text in self.digests:
            if text.startswith("sha256:"):
                return text[7:]
        return None
