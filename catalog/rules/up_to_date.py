"""Decides whether a sync has anything to look at: a pure function of what the last one stood on.

It is Pulp's "sync was skipped", asked for any source: what counts is that its listing made no new
version, where Pulp compares the checksum of a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.model.plan import Mode, Policy, Selection, Strategy


@dataclass(frozen=True, slots=True)
class SyncInputs:
    """What a sync stands on: how it was asked for, and the versions of both sides."""

    mode: Mode
    policy: Policy
    strategy: Strategy
    selection: Selection
    trusted: tuple[str, ...]  # algorithms of digests
    source: int  # its version
    destinations: tuple[int, ...]  # their versions


@dataclass(frozen=True, slots=True)
class PreviousSync:
    """The last sync between the same places: how it ended, and what it left behind."""

    state: str
    inputs: SyncInputs


def reason_to_sync(before: PreviousSync, now: SyncInputs, *, missing: bool) -> str | None:
    """Return why a sync must look at its destinations; None where nothing can have changed.

    `missing` says whether a destination is known to lack bytes that its version has.

    >>> ground = SyncInputs(Mode.MIRROR, Policy.IMMEDIATE, Strategy.SIZE, Selection(), (), 1, (1,))
    >>> reason_to_sync(PreviousSync("completed", ground), replace(ground, source=2), missing=False)
    'the source changed'
    """
    was = before.inputs
    selection = replace(was.selection, as_of_us=None)
    reasons = (
        (before.state != "completed", f"the last sync ended as {before.state}"),
        (was.mode is not now.mode, "the mode is another"),
        (was.policy is not now.policy, "the policy is another"),
        (was.strategy is not now.strategy, "the strategy is another"),
        (now.strategy is Strategy.ALWAYS, "everything is to be moved"),
        (now.strategy is Strategy.MARKER, "markers lie at the destinations"),
        (selection != replace(now.selection, as_of_us=None), "the selection is another"),
        (_depends_on_time(now.selection), "the selection depends on the time"),
        (was.trusted != now.trusted, "other digests are trusted"),
        (was.source != now.source, "the source changed"),
        (was.destinations != now.destinations, "a destination changed"),
        (missing and now.policy is Policy.IMMEDIATE, "a destination lacks files"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _depends_on_time(selection: Selection) -> bool:
    ages = (selection.min_age_s, selection.max_age_s, selection.settled_s)
    return bool(selection.where) or any(age is not None for age in ages)
