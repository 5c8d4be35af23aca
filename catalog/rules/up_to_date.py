"""Decides whether a sync can be skipped: a pure function of the last sync's inputs.

It is Pulp's "sync was skipped" for any source: the criterion is that the listing created no new
version, where Pulp compares the checksum of a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.model.plan import Mode, Policy, Selection, Strategy


@dataclass(frozen=True, slots=True)
class SyncInputs:
    """The inputs of a sync: its parameters, and the versions of both sides."""

    mode: Mode
    policy: Policy
    strategy: Strategy
    selection: Selection
    trusted: tuple[str, ...]  # algorithms of digests
    source: int  # its version
    destinations: tuple[int, ...]  # their versions


@dataclass(frozen=True, slots=True)
class PreviousSync:
    """The last sync between the same repositories: its final state and its inputs."""

    state: str
    inputs: SyncInputs


def reason_to_sync(before: PreviousSync, now: SyncInputs, *, missing: bool) -> str | None:
    """Return why a sync must not be skipped; None if nothing can have changed.

    `missing`: a destination is known to lack bytes of its version.

    >>> ground = SyncInputs(Mode.MIRROR, Policy.IMMEDIATE, Strategy.SIZE, Selection(), (), 1, (1,))
    >>> reason_to_sync(PreviousSync("completed", ground), replace(ground, source=2), missing=False)
    'the source changed'
    """
    was = before.inputs
    selection = replace(was.selection, as_of_us=None)
    reasons = (
        (before.state != "completed", f"the last sync ended as {before.state}"),
        (was.mode is not now.mode, "the mode changed"),
        (was.policy is not now.policy, "the policy changed"),
        (was.strategy is not now.strategy, "the strategy changed"),
        (now.strategy is Strategy.ALWAYS, "the strategy always copies everything"),
        (now.strategy is Strategy.MARKER, "markers at the destinations decide"),
        (selection != replace(now.selection, as_of_us=None), "the selection changed"),
        (_depends_on_time(now.selection), "the selection depends on the time"),
        (was.trusted != now.trusted, "the trusted digests changed"),
        (was.source != now.source, "the source changed"),
        (was.destinations != now.destinations, "a destination changed"),
        (missing and now.policy is Policy.IMMEDIATE, "a destination lacks files"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _depends_on_time(selection: Selection) -> bool:
    ages = (selection.min_age_s, selection.max_age_s, selection.settled_s)
    return bool(selection.where) or any(age is not None for age in ages)
