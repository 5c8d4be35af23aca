"""Decides what to do with one path at one destination: a pure function of what is known.

`sql/decide.sql` says the same in SQL, where a plan applies it to millions of paths; a property test
holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.plan import Action, Mode, Policy, Strategy

_NOTHING = "nothing to compare"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A path that the source has; `selected` is False when the selection leaves it out."""

    source: str  # the address it is read from
    origin: str  # its path there
    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None
    digest: str | None = None  # declared and trusted sha256, hex
    selected: bool = True


@dataclass(frozen=True, slots=True)
class Held:
    """What the catalog knows a destination to hold, and the source's fingerprint when copied.

    What is not `stored` is only catalogued: its bytes lie where it came from.
    """

    digest: str | None  # sha256, hex; of what is stored it is known
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
class Listed:
    """What a fresh listing of the destination says of the path."""

    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What was asked for; `checked` says whether the destination was listed at all."""

    strategy: Strategy = Strategy.DIGEST
    mode: Mode = Mode.ADDITIVE
    policy: Policy = Policy.IMMEDIATE
    match_etags: bool = False
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and why."""

    action: Action
    reason: str


def decide(
    wanted: Wanted | None,
    held: Held | None,
    listed: Listed | None,
    rules: Rules,
    *,
    marked: bool = False,
) -> Decision | None:
    """Decide on one path; None leaves it alone, unrecorded. `marked`: its marker is there.

    >>> decide(Wanted("s3://a", "x", 3), None, None, Rules())
    Decision(action=<Action.ADD: 'add'>, reason='not at the destination')
    """
    if wanted is None or not wanted.selected:
        return _unwanted(wanted, held, rules)
    return _wanted(wanted, held, listed, rules, marked=marked)


def _wanted(
    wanted: Wanted, held: Held | None, listed: Listed | None, rules: Rules, *, marked: bool
) -> Decision:
    if rules.strategy is Strategy.MARKER and (held is None or held.stored):
        return _marked(wanted, held, stands=rules.checked and listed is not None, marked=marked)
    if held is None:
        return _unknown(wanted, listed, rules)
    if not held.stored:
        if rules.policy is Policy.IMMEDIATE:
            return _unstored(listed, rules)
    elif rules.checked:
        if listed is None:
            return Decision(Action.ADD, "missing at the destination")
        if changed := _changed(held, listed, rules):
            return changed
    return _compared(wanted, held, rules.strategy)


def _unwanted(wanted: Wanted | None, held: Held | None, rules: Rules) -> Decision | None:
    # Removing what has gone there too is nothing to the storage, and the next version forgets it.
    if wanted is None and rules.mode is Mode.MIRROR and held is not None:
        return Decision(Action.REMOVE, "gone from the source")
    return None


def _unknown(wanted: Wanted, listed: Listed | None, rules: Rules) -> Decision:
    if listed is None or not rules.checked:
        return Decision(Action.ADD, "not at the destination")
    if rules.strategy is Strategy.SIZE and wanted.size is not None and wanted.size == listed.size:
        return Decision(Action.KEEP, "same size at the destination")
    if rules.strategy is Strategy.NAME:
        return Decision(Action.KEEP, "name at the destination")
    return Decision(Action.REPLACE, "unverified at the destination")


def _marked(wanted: Wanted, held: Held | None, *, stands: bool, marked: bool) -> Decision:
    # What happened at the destination since is its consumers' business.
    if held is not None and (since := _changed_since(wanted, held)):
        return Decision(Action.REPLACE if stands else Action.ADD, since)
    if marked:
        reason = "marker at the destination"
        return Decision(Action.KEEP, reason if stands else f"{reason}, its file was taken away")
    if stands:
        return Decision(Action.KEEP, "no marker at the destination yet")
    return Decision(Action.ADD, "not at the destination")


def _changed_since(wanted: Wanted, held: Held) -> str | None:
    """Say how the source's file changed since it was copied, if that is known."""
    if (held.source, held.origin) != (wanted.source, wanted.origin):
        return None
    if wanted.digest is not None and held.digest is not None:
        return "source digest changed" if wanted.digest != held.digest else None
    found = _fingerprint(wanted, held)
    known = found.action is Action.REPLACE and found.reason != _NOTHING
    return found.reason if known else None


def _unstored(listed: Listed | None, rules: Rules) -> Decision:
    # Other bytes may stand there, from before or from somebody else: these are kept, if replaced.
    vacant = rules.checked and listed is None
    return Decision(Action.ADD if vacant else Action.REPLACE, "catalogued, but not stored")


def _changed(held: Held, listed: Listed, rules: Rules) -> Decision | None:
    pairs: list[tuple[str, str | int | None, str | int | None]] = [("size", held.size, listed.size)]
    if rules.match_etags and held.etag is not None and listed.etag is not None:
        pairs.append(("etag", held.etag, listed.etag))
    else:
        pairs.append(("modified_us", held.modified_us, listed.modified_us))
    for name, before, now in pairs:
        if before is not None and now is not None and before != now:
            return Decision(Action.REPLACE, f"changed at the destination: {name} {before} -> {now}")
    return None


def _compared(wanted: Wanted, held: Held, strategy: Strategy) -> Decision:
    match strategy:
        case Strategy.ALWAYS:
            return Decision(Action.REPLACE, "asked to move everything")
        case Strategy.NAME:
            return Decision(Action.KEEP, "name at the destination")
        case Strategy.SIZE if wanted.size is not None and wanted.size == held.size:
            return Decision(Action.KEEP, "same size at the destination")
        case Strategy.SIZE:
            return _size_changed(held.size, wanted.size)
        case Strategy.DIGEST if wanted.digest is not None and held.digest is not None:
            return _equal(wanted.digest == held.digest, "same digest", "source digest changed")
        case _:
            return _fingerprint(wanted, held)


def _fingerprint(wanted: Wanted, held: Held) -> Decision:
    if (held.source, held.origin) != (wanted.source, wanted.origin):
        return Decision(Action.REPLACE, "copied from another source")
    both = wanted.size is not None and held.origin_size is not None
    if both and wanted.size != held.origin_size:
        return _size_changed(held.origin_size, wanted.size)
    if wanted.etag is not None and held.origin_etag is not None:
        return _equal(wanted.etag == held.origin_etag, "same etag", "source etag changed")
    if wanted.modified_us is not None and held.origin_modified_us is not None:
        same = wanted.modified_us == held.origin_modified_us
        return _equal(same, "same time", "source time changed")
    return _equal(both, "same size, nothing else to compare", _NOTHING)


def _equal(same: bool, keep: str, replace: str) -> Decision:  # noqa: FBT001  # the one question
    return Decision(Action.KEEP, keep) if same else Decision(Action.REPLACE, replace)


def _size_changed(before: int | None, now: int | None) -> Decision:
    shown = ("?" if size is None else size for size in (before, now))
    return Decision(Action.REPLACE, "source size changed {} -> {}".format(*shown))
