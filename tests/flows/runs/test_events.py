"""Events that automations act on: told once for what happened, and not for what did not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import GuardCrossed

if TYPE_CHECKING:
    from prefect.events.schemas.events import ReceivedEvent

Told = Callable[[str, int], "list[ReceivedEvent]"]


@pytest.fixture
def told() -> Told:
    """Return what waits until the server has so many events of a name since now, of any run."""
    from prefect import get_client  # noqa: PLC0415 - imports Prefect
    from prefect.events.filters import (  # noqa: PLC0415
        EventFilter,
        EventNameFilter,
        EventOccurredFilter,
    )

    since = datetime.now(UTC)

    def found(name: str, count: int) -> list[ReceivedEvent]:
        deadline = time.monotonic() + 120
        with get_client(sync_client=True) as client:
            while True:
                wanted = EventFilter(  # anew each time: it ends where it is made
                    event=EventNameFilter(name=[name]),
                    occurred=EventOccurredFilter.model_validate({"since": since}),
                )
                events = client.read_events(wanted, limit=50).events
                if len(events) >= count or time.monotonic() > deadline:
                    return events
                time.sleep(0.2)

    return found


def payloads(events: list[ReceivedEvent]) -> list[dict[str, Any]]:
    return [one.payload for one in sorted(events, key=lambda one: one.occurred)]


def synced_thrice(source: Path, end: str) -> tuple[str, str]:
    """Sync, sync nothing, and sync a change; return the ids of the two runs that made versions."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    first = sync(str(source), [end])
    sync(str(source), [end])  # nothing to do
    (source / "a.txt").write_text("other")
    return first.run_id, sync(str(source), [end]).run_id


def test_a_version_is_told_with_its_counts_and_no_version_is_not(
    source: Path, tmp_path: Path, told: Told
) -> None:
    end = str(tmp_path / "end")
    runs = synced_thrice(source, end)

    events = told("entrepot.version.created", 2)

    assert [(one["version"], one["added"], one["replaced"]) for one in payloads(events)] == [
        (1, 3, 0),
        (2, 0, 1),
    ]
    assert [one["run_id"] for one in payloads(events)] == [*runs]
    assert {one.resource.id for one in events} == {f"entrepot.repository.file://{end}"}
    related = [one.id for event in events for one in event.related]
    assert any(one.startswith("prefect.flow-run.") for one in related)


def test_a_guarded_plan_is_told(source: Path, tmp_path: Path, told: Told) -> None:
    from flows.forms.options import GuardSettings  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    with pytest.raises(GuardCrossed):
        sync(str(source), [str(tmp_path / "end")], guards=GuardSettings(bytes=10))

    (event,) = told("entrepot.plan.guarded", 1)
    assert "10" in str(event.payload["crossed"])
    assert event.resource.id == f"entrepot.plan.{event.payload['plan_id']}"


def test_what_cannot_be_mended_is_told(source: Path, tmp_path: Path, told: Told) -> None:
    from flows.repair import RepairFailed, repair  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").unlink()
    (end / "a.txt").write_text("spoilt")
    with pytest.raises(RepairFailed):
        repair(str(end))

    (event,) = told("entrepot.resource.quarantined", 1)
    assert (event.payload["count"], event.payload["paths"]) == (1, ["a.txt"])
    assert event.resource.id == f"entrepot.repository.file://{end}"
