"""Whether a sync is skipped: one row for each thing that may have changed since the last one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.model.plan import Mode, Policy, Selection, Strategy
from catalog.rules.up_to_date import PreviousSync, SyncInputs, reason_to_sync

GROUND = SyncInputs(
    Mode.MIRROR,
    Policy.IMMEDIATE,
    Strategy.DIGEST,
    Selection(include=("**/*.rpm",), as_of_us=1),
    ("sha256",),
    3,
    (5, 7),
)
NOW: dict[str, Any] = {"selection": Selection(include=("**/*.rpm",))}


@pytest.mark.parametrize(
    ("changed", "state", "missing", "reason"),
    [
        ({}, "completed", False, None),
        ({}, "failed", False, "the last sync ended as failed"),
        ({}, "cancelled", False, "the last sync ended as cancelled"),
        ({}, "completed", True, "a destination lacks files"),
        ({"mode": Mode.ADDITIVE}, "completed", False, "the mode changed"),
        ({"policy": Policy.ON_DEMAND}, "completed", False, "the policy changed"),
        ({"strategy": Strategy.SIZE}, "completed", False, "the strategy changed"),
        ({"selection": Selection()}, "completed", False, "the selection changed"),
        ({"trusted": ("sha256", "sha1")}, "completed", False, "the trusted digests changed"),
        ({"source": 4}, "completed", False, "the source changed"),
        ({"destinations": (5, 8)}, "completed", False, "a destination changed"),
        ({"destinations": (5,)}, "completed", False, "a destination changed"),
    ],
)
def test_a_sync_is_skipped_when_nothing_changed(
    changed: dict[str, Any], state: str, *, missing: bool, reason: str | None
) -> None:
    now = replace(GROUND, **NOW | changed)

    assert reason_to_sync(PreviousSync(state, GROUND), now, missing=missing) == reason


def test_what_is_listed_and_not_stored_lacks_nothing() -> None:
    late = replace(GROUND, policy=Policy.ON_DEMAND)

    assert reason_to_sync(PreviousSync("completed", late), late, missing=True) is None


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"strategy": Strategy.ALWAYS}, "the strategy always copies everything"),
        ({"strategy": Strategy.MARKER}, "markers at the destinations decide"),
        ({"selection": Selection(min_age_s=60)}, "the selection depends on the time"),
        ({"selection": Selection(where="size > 1")}, "the selection depends on the time"),
    ],
)
def test_some_syncs_are_never_skipped(asked: dict[str, Any], reason: str) -> None:
    ground = replace(GROUND, **asked)

    assert reason_to_sync(PreviousSync("completed", ground), ground, missing=False) == reason
