"""The types of a plan: its request, its rows and its batches.

The decision itself is `catalog/store/sql/plans/decide.sql`.
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
    """Whether files that left the source are removed from the destination."""

    ADDITIVE = "additive"
    MIRROR = "mirror"


class Policy(StrEnum):
    """When the bytes of a resource are fetched."""

    IMMEDIATE = "immediate"
    """By the sync."""
    ON_DEMAND = "on_demand"
    """At the first request; they are kept then."""
    STREAMED = "streamed"
    """At each request; they are never kept."""


class Strategy(StrEnum):
    """What makes a resource count as present at the destination."""

    DIGEST = "digest"
    """Equal digests; if the source declares none, its fingerprint at the time of copying."""
    FINGERPRINT = "fingerprint"
    """The source's etag, or else size and time, at the time of copying."""
    SIZE = "size"
    """Equal size at the destination, whoever stored the file."""
    NAME = "name"
    """Anything of that name at the destination."""
    MARKER = "marker"
    """A marker at the destination, or else anything of that name; a known change at the source
    since then is copied again."""
    ALWAYS = "always"
    """Nothing: everything is copied."""


class Action(StrEnum):
    """What a plan row asks for."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"
    KEEP = "keep"


class OnError(StrEnum):
    """What happens to the rest of a run when one item fails."""

    CONTINUE = "continue"
    FAIL = "fail"


class Sorting(StrEnum):
    """The order of resources in which `skip` and `take` count."""

    PATH = "path"
    PATH_DESCENDING = "path, descending"
    SIZE = "size"
    SIZE_DESCENDING = "size, descending"
    MODIFIED = "modified"
    MODIFIED_DESCENDING = "modified, descending"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resources take part: those that satisfy every given rule.

    Globs are over the whole path at the source (`**` crosses folders), regular expressions (RE2)
    are searched for in it; of several of one kind any is enough. An unknown size or time satisfies
    no bound. `skip` and `take` count what satisfies all other rules.
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
    settled_marker: str = ""  # name of a file that marks another as complete
    order: Sorting = Sorting.PATH
    skip: int = 0
    take: int | None = None
    as_of_us: int | None = None  # ages count from here; by default when the plan was made


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The largest size of a batch; a single larger file is a batch of its own.

    A file over `heaviest` bytes counts as that much: it is streamed, not staged.
    """

    count: int = 5000
    bytes: int = 256 * 2**20
    heaviest: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Target:
    """One destination of a plan: its address, and its listing, if there is one."""

    address: str
    listing: str | None = None
    match_etags: bool = False
    """Whether the listing's etags follow the content (object stores), else times are compared."""
    tree: bool = True
    markers: str | None = None
    """The listing of its markers, for the strategy `marker`."""
    layout: str | None = None
    """Its layout; a destination with files in another layout is refused."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Everything that determines a plan; `wanted` is the id of a listing of the target state."""

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
    """Put unchanged files into batches too, so that the source can be cleaned of them."""
    run_id: str | None = None
    ends: tuple[str, ...] = ()
    """Block names or addresses of source and targets, to find them again; '' for none."""
    places: tuple[str, ...] = ()
    """Further addresses that may be read for bytes that the catalog knows to be there."""
    content: tuple[str, int] | Modification | None = None
    """The wanted version (address, number) or set built from versions, where no listing has it."""
    options: str = "{}"
    """How to carry the plan out, as JSON: the flow's other parameters."""


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
    """What a plan will cost, estimated from earlier runs between the same places."""

    requests: int  # at source and targets; the parts of large files are not counted
    seconds: float | None  # None: there are no such runs
    samples: int  # runs that it is based on


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
    matched: int  # resources that the selection includes
    forecast: Forecast | None = None  # None: there is nothing to do
    policy: Policy = Policy.IMMEDIATE

    def __bool__(self) -> bool:
        """Say whether there is anything to do."""
        return any(tally.add or tally.replace or tally.remove for tally in self.tallies)


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A slice of a plan: its number and size."""

    number: int
    count: int
    bytes: int
    removals: bool = False
    """Whether it only removes; such batches come last."""
    clears: bool = False
    """Whether it also removes obstacles to its arrivals; such batches come first."""


@dataclass(frozen=True, slots=True)
class RecordedLocation:
    """A recorded location of a file's bytes, with the etag they had then."""

    address: str
    path: str
    sha256: str  # hex: declared by the source, or learned when the same file was read before
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One file to read once and write to all `destinations` (indexes of the plan's targets).

    `origin` is its path at the source, `path` at the destinations. A removal has the `action`
    REMOVE and no origin to read.
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
    known_copies: tuple[RecordedLocation, ...] = ()
    """Recorded locations of its bytes, at most three."""
    conflict: str | None = None
    """The planned path that a tree cannot have beside this one: one of them would be a folder.

    For a removal, the arrival that needs its place.
    """
    previous: tuple[Fingerprint | None, ...] = ()
    """The recorded file that is replaced, removed or missing, by destination."""

    def previous_at(self, target: int) -> Fingerprint | None:
        """Return the recorded file at a destination, if there is one."""
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
