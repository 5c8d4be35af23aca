"""How a try ended, from what was seen: pure, so that it can be tested without a server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.model.gap import Gap, Listed
from catalog.model.outcome import Outcome, Proof, Status
from tests.faults.kit.fault_kinds import Ending, Fault, Operation, Told, worst
from tests.faults.kit.target_profiles import TargetProfile


def of_error(error: BaseException) -> Told:
    """Judge what was raised: ours is clear, anything else is wrong."""
    if isinstance(error, CatalogError) and str(error):
        return Told(Ending.CLEAR, f"{type(error).__name__}: {error}")
    return Told(Ending.WRONG, f"not an error of ours: {type(error).__name__}: {error}")


def of_listing(
    profile: TargetProfile, fault: Fault, truth: Mapping[str, bytes], listed: Sequence[Listed]
) -> Told:
    """Judge a listing that ended: whole, or with gaps for all that is missing."""
    gaps = [one for one in listed if isinstance(one, Gap)]
    found = {one.path: one.size for one in listed if not isinstance(one, Gap)}
    invented = sorted(set(found) - set(truth))
    missing = [
        path for path in truth if path not in found and not any(gap.covers(path) for gap in gaps)
    ]
    sizes = [
        path
        for path, size in found.items()
        if path in truth and size not in (None, len(truth[path])) and fault is not Fault.SIZE
    ]
    for what, paths in (("invented", invented), ("missing", missing), ("another size", sizes)):
        if paths:
            return Told(_wrong(profile, fault, Operation.LISTING), f"{what}: {paths[:3]}")
    if gaps:
        return Told(Ending.CLEAR, f"a gap: {gaps[0]}")
    return Told(Ending.RIGHT)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen at a place before a delivery and after it, and what its history holds."""

    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    kept: Collection[bytes] = ()


def of_files(
    profile: TargetProfile,
    fault: Fault,
    operation: Operation,
    outcomes: Iterable[Outcome],
    meant: Mapping[str, bytes],
    seen: Seen,
) -> Told:
    """Judge a delivery: each file is what was meant, or what was there before, whole.

    What was told as stored is what was meant. What was there may be gone where it is `kept`: an
    object store that keeps the wrong bytes shows none at last.
    """
    told = {one.path: one for one in outcomes}
    before, after, kept = seen.before, seen.after, seen.kept
    endings = [Told(Ending.RIGHT)]
    for path in sorted({*meant, *before, *after}):
        now = after.get(path)
        outcome = told.get(path)
        stored = outcome is not None and outcome.status is Status.STORED
        if stored and now != meant.get(path):
            proved = outcome is not None and outcome.proof is Proof.END_TO_END
            bad = Ending.WRONG if proved else _wrong(profile, fault, operation)
            endings.append(Told(bad, f"{path!r} was told as stored and {_differs(now)}"))
        elif now is not None and now not in (meant.get(path), before.get(path)):
            endings.append(
                Told(_wrong(profile, fault, operation), f"{path!r} failed and {_differs(now)}")
            )
        elif now is None and path in before and before[path] not in kept:
            endings.append(Told(Ending.WRONG, f"{path!r} is lost"))
        elif path in meant and outcome is None:
            endings.append(Told(Ending.WRONG, f"nothing was told of {path!r}"))
        elif outcome is not None and outcome.status is Status.FAILED:
            endings.append(Told(Ending.CLEAR, f"{outcome.error}: {outcome.message}"))
    return worst(endings)


def of_removal(outcomes: Iterable[Outcome], removed: Iterable[str], seen: Seen) -> Told:
    """Judge a removal: what was to go is gone or told as failed, and all else stands.

    What is gone is kept.
    """
    told, wanted = {one.path: one for one in outcomes}, set(removed)
    for path, data in seen.before.items():
        bad = _touched(path, told.get(path), seen) if path in wanted else ""
        if path not in wanted and seen.after.get(path) != data:
            bad = "was not to be touched"
        if bad:
            return Told(Ending.WRONG, f"{path!r} {bad}")
    failed = [one for one in told.values() if one.status is Status.FAILED]
    if failed:
        return Told(Ending.CLEAR, f"{failed[0].error}: {failed[0].message}")
    return Told(Ending.RIGHT)


def _touched(path: str, outcome: Outcome | None, seen: Seen) -> str:
    """Return what is wrong with a file that was to be removed, or nothing."""
    if outcome is None:
        return "was told nothing of"
    stands = path in seen.after
    if stands and outcome.status is not Status.FAILED:
        return "was told as removed and stands"
    if stands and seen.after[path] != seen.before[path]:
        return "is another file now"
    return "" if stands or seen.before[path] in seen.kept else "is gone, and was not kept"


def _wrong(profile: TargetProfile, fault: Fault, operation: Operation) -> Ending:
    """Say whether a client could have known.

    Not of a flipped bit, where no digest and no encryption tells; not where a text that tells no
    length ends early and the server says that this was it.
    """
    flipped = fault is Fault.FLIP and operation not in profile.proves
    believed = (fault, operation) in profile.takes_word
    return Ending.UNTOLD if flipped or believed else Ending.WRONG


def _differs(now: bytes | None) -> str:
    return "is not there" if now is None else f"holds {len(now)} other bytes"
