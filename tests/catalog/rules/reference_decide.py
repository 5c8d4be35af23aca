"""The reference model of the decision on one path at one destination, in plain Python.

Plans are made by `catalog/store/sql/plans/decide.sql`, for millions of paths; a property test
compares it with this function of the known state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.model.plan import Action, Mode, Policy, Strategy

_NOTHING = "nothing to compare"
NOT_SEEN_THERE = "could not be seen at the destination"


@dataclass(frozen=True, slots=True)
class SourceState:
    """A path that the source has; `selected` is False if the selection excludes it."""

    source: str  # the address it is read from
    origin: str  # its path there
    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None
    digest: str | None = None  # declared and trusted sha256, hex
    selected: bool = True


@dataclass(frozen=True, slots=True)
class RecordedState:
    """What a destination is recorded to have, and the source's fingerprint at copying.

    If it is not `stored`, it is only catalogued: its bytes are where they came from.
    """

    digest: str | None  # sha256, hex; always known if stored
    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None
    source: str | None = None
    origin: str | None = None
    origin_size: int | None = None
    origin_etag: str | None = None
    origin_modified_us: int | None = None
    stored: bool = True


@dataclass(frozen=True, slots=True)
class ListedState:
    """The path in a fresh listing of the destination."""

    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None


@dataclass(frozen=True, slots=True)
class SyncRules:
    """The parameters of a sync; `checked` says whether the destination was listed."""

    strategy: Strategy = Strategy.DIGEST
    mode: Mode = Mode.ADDITIVE
    policy: Policy = Policy.IMMEDIATE
    match_etags: bool = False
    checked: bool = False


@dataclass(frozen=True, slots=True)
class ListingGaps:
    """Which listings have a gap at the path, so that its absence proves nothing."""

    source: bool = False
    target: bool = False
    markers: bool = False


NO_GAPS = ListingGaps()


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and its reason."""

    action: Action
    reason: str


def decide(
    wanted: SourceState | None,
    recorded: RecordedState | None,
    listed: ListedState | None,
    rules: SyncRules,
    *,
    marked: bool = False,
    unseen: ListingGaps = NO_GAPS,
) -> Decision | None:
    """Decide on one path; None for no action and no row. `marked`: its marker exists.

    A path in an `unseen` gap counts as present: it is neither removed nor taken as verified.
    """
    if not rules.checked:
        unseen = replace(unseen, target=False)  # the destination was not listed
    if wanted is None or not wanted.selected:
        return _decide_unwanted(wanted, recorded, listed, rules, unseen)
    return _decide_wanted(wanted, recorded, listed, rules, marked=marked, unseen=unseen)


def _decide_wanted(
    wanted: SourceState,
    recorded: RecordedState | None,
    listed: ListedState | None,
    rules: SyncRules,
    *,
    marked: bool,
    unseen: ListingGaps,
) -> Decision:
    if rules.strategy is Strategy.MARKER and (recorded is None or recorded.stored):
        at_destination = rules.checked and listed is not None
        return _decide_by_marker(
            wanted, recorded, unseen, at_destination=at_destination, marked=marked
        )
    destination_unknown = unseen.target and listed is None
    if recorded is None:
        return _decide_unrecorded(wanted, listed, rules, destination_unknown=destination_unknown)
    if destination_unknown:
        rules = replace(rules, checked=False)  # only the catalog's record is known
    if not recorded.stored:
        if rules.policy is Policy.IMMEDIATE:
            return _decide_catalogued(listed, rules)
    elif rules.checked:
        if listed is None:
            return Decision(Action.ADD, "missing at the destination")
        if changed := _destination_change(recorded, listed, rules):
            return changed
    return _compare(wanted, recorded, rules.strategy)


def _decide_unwanted(
    wanted: SourceState | None,
    recorded: RecordedState | None,
    listed: ListedState | None,
    rules: SyncRules,
    unseen: ListingGaps,
) -> Decision | None:
    # A file that is gone at the destination too is removed all the same: the version drops it.
    if wanted is not None or rules.mode is not Mode.MIRROR or recorded is None:
        return None
    if unseen.source:
        return Decision(Action.KEEP, "could not be seen at the source")
    if unseen.target and listed is None:
        return Decision(Action.KEEP, NOT_SEEN_THERE)
    return Decision(Action.REMOVE, "gone from the source")


def _decide_unrecorded(
    wanted: SourceState, listed: ListedState | None, rules: SyncRules, *, destination_unknown: bool
) -> Decision:
    if destination_unknown:
        return Decision(Action.REPLACE, NOT_SEEN_THERE)
    if listed is None or not rules.checked:
        return Decision(Action.ADD, "not at the destination")
    if rules.strategy is Strategy.SIZE and wanted.size is not None and wanted.size == listed.size:
        return Decision(Action.KEEP, "same size at the destination")
    if rules.strategy is Strategy.NAME:
        return Decision(Action.KEEP, "name at the destination")
    return Decision(Action.REPLACE, "unverified at the destination")


def _decide_by_marker(
    wanted: SourceState,
    recorded: RecordedState | None,
    unseen: ListingGaps,
    *,
    at_destination: bool,
    marked: bool,
) -> Decision:
    # Consumers may change or take files at the destination: that is ignored.
    destination_unknown = unseen.target and not at_destination
    if recorded is not None and (since := _source_change(wanted, recorded)):
        return Decision(
            Action.REPLACE if at_destination or destination_unknown else Action.ADD, since
        )
    if unseen.markers and not marked:
        return Decision(Action.KEEP, "its marker could not be seen")
    if destination_unknown and not marked:
        return Decision(Action.KEEP, NOT_SEEN_THERE)
    if marked:
        reason = "marker at the destination"
        return Decision(
            Action.KEEP, reason if at_destination else f"{reason}, its file was taken away"
        )
    if at_destination:
        return Decision(Action.KEEP, "no marker at the destination yet")
    return Decision(Action.ADD, "not at the destination")


def _source_change(wanted: SourceState, recorded: RecordedState) -> str | None:
    """Return how the source's file changed since it was copied, if that is known."""
    if (recorded.source, recorded.origin) != (wanted.source, wanted.origin):
        return None
    if wanted.digest is not None and recorded.digest is not None:
        return "source digest changed" if wanted.digest != recorded.digest else None
    found = _compare_fingerprints(wanted, recorded)
    known = found.action is Action.REPLACE and found.reason != _NOTHING
    return found.reason if known else None


def _decide_catalogued(listed: ListedState | None, rules: SyncRules) -> Decision:
    # Other bytes may be there, from before or from somebody else: replacing keeps them.
    vacant = rules.checked and listed is None
    return Decision(Action.ADD if vacant else Action.REPLACE, "catalogued, but not stored")


def _destination_change(
    recorded: RecordedState, listed: ListedState, rules: SyncRules
) -> Decision | None:
    pairs: list[tuple[str, str | int | None, str | int | None]] = [
        ("size", recorded.size, listed.size)
    ]
    if rules.match_etags and recorded.etag is not None and listed.etag is not None:
        pairs.append(("etag", recorded.etag, listed.etag))
    else:
        pairs.append(("modified_us", recorded.modified_us, listed.modified_us))
    for name, before, now in pairs:
        if before is not None and now is not None and before != now:
            return Decision(Action.REPLACE, f"changed at the destination: {name} {before} -> {now}")
    return None


def _compare(wanted: SourceState, recorded: RecordedState, strategy: Strategy) -> Decision:
    match strategy:
        case Strategy.ALWAYS:
            return Decision(Action.REPLACE, "asked to move everything")
        case Strategy.NAME:
            return Decision(Action.KEEP, "name at the destination")
        case Strategy.SIZE if wanted.size is not None and wanted.size == recorded.size:
            return Decision(Action.KEEP, "same size at the destination")
        case Strategy.SIZE:
            return _size_changed(recorded.size, wanted.size)
        case Strategy.DIGEST if wanted.digest is not None and recorded.digest is not None:
            return _keep_or_replace(
                wanted.digest == recorded.digest, "same digest", "source digest changed"
            )
        case _:
            return _compare_fingerprints(wanted, recorded)


def _compare_fingerprints(wanted: SourceState, recorded: RecordedState) -> Decision:
    if (recorded.source, recorded.origin) != (wanted.source, wanted.origin):
        return Decision(Action.REPLACE, "copied from another source")
    both = wanted.size is not None and recorded.origin_size is not None
    if both and wanted.size != recorded.origin_size:
        return _size_changed(recorded.origin_size, wanted.size)
    if wanted.etag is not None and recorded.origin_etag is not None:
        return _keep_or_replace(
            wanted.etag == recorded.origin_etag, "same etag", "source etag changed"
        )
    if wanted.modified_us is not None and recorded.origin_modified_us is not None:
        same = wanted.modified_us == recorded.origin_modified_us
        return _keep_or_replace(same, "same time", "source time changed")
    return _keep_or_replace(both, "same size, nothing else to compare", _NOTHING)


def _keep_or_replace(same: bool, keep: str, replace: str) -> Decision:  # noqa: FBT001  # the one question
    return Decision(Action.KEEP, keep) if same else Decision(Action.REPLACE, replace)


def _size_changed(before: int | None, now: int | None) -> Decision:
    shown = ("?" if size is None else size for size in (before, now))
    return Decision(Action.REPLACE, "source size changed {} -> {}".format(*shown))
