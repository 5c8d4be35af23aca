"""The provider that misbehaves: without faults it is the place, with them we cope."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from catalog.errors import AccessDenied, InvalidInput
from catalog.model.outcome import Outcome, Status
from providers import registry
from providers.base import OpenOptions
from providers.testing.faults import Fault, Faults, Kind, Where
from providers.testing.faulty import FaultySettings
from providers.testing.subject import Subject, seed_through
from providers.testing.writing import WritingConformance
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, leftovers, tree

LARGE = os.urandom(9 * 2**20)


class TestFaulty(WritingConformance):
    """A folder without faults."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        settings = FaultySettings(url=f"file://{tmp_path}/place")
        (tmp_path / "place").mkdir()
        storage = settings.open(OpenOptions())
        return Subject(settings, storage, seed_through(storage))


def moved(tmp_path: Path, data: bytes, *faults: Fault, at_source: bool) -> Outcome:
    """Move one file from or to a place with faults."""
    source, there = tmp_path / "source", tmp_path / "there"
    source.mkdir()
    there.mkdir()
    (source / "f").write_bytes(data)
    url = f"file://{source if at_source else there}"
    faulty = FaultySettings(url=url, faults=list(faults))
    job = (
        delivery(end(faulty), folder(there)) if at_source else delivery(folder(source), end(faulty))
    )
    (outcome,) = deliver(job, [item("f", len(data))])
    assert leftovers([there]) == []
    return outcome


@pytest.mark.parametrize("data", [b"small file", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "kind", [Kind.BUSY, Kind.TIMEOUT, Kind.BROKEN, Kind.SHORT], ids=lambda kind: kind.value
)
def test_what_passes_at_the_second_try_is_tried_again(
    tmp_path: Path, data: bytes, kind: Kind
) -> None:
    outcome = moved(tmp_path, data, Fault(where=Where.READ, kind=kind), at_source=True)
    assert outcome.status is Status.STORED
    assert tree(tmp_path / "there") == {"f": data}


@pytest.mark.parametrize(
    ("where", "kind", "error"),
    [
        (Where.READ, Kind.DENIED, "access-denied"),
        (Where.READ, Kind.MISSING, "not-found"),
        (Where.WRITE, Kind.FULL, "full"),
        (Where.WRITE, Kind.SHORT, "size-mismatch"),
    ],
    ids=lambda one: str(getattr(one, "value", one)),
)
@pytest.mark.parametrize("data", [b"small file", LARGE], ids=["small", "large"])
def test_what_never_passes_fails_and_leaves_nothing(
    tmp_path: Path, data: bytes, where: Where, kind: Kind, error: str
) -> None:
    fault = Fault(where=where, kind=kind, times=None)
    outcome = moved(tmp_path, data, fault, at_source=where is Where.READ)
    assert (outcome.status, outcome.error) == (Status.FAILED, error)
    assert tree(tmp_path / "there") == {}


def test_each_fault_strikes_so_often_for_each_file_that_matches() -> None:
    faults = Faults(
        [
            Fault(where=Where.STAT, kind=Kind.DENIED, files="*.csv", times=2),
            Fault(where=Where.STAT, kind=Kind.BUSY, times=None),
        ]
    )
    told = [one.kind if (one := faults.next_due(Where.STAT, "a.csv")) else None for _ in range(3)]
    assert told == [Kind.DENIED, Kind.DENIED, Kind.BUSY]
    with pytest.raises(AccessDenied, match=r"'b\.csv': denied on purpose"):
        faults.apply(Where.STAT, "b.csv")
    assert faults.next_due(Where.READ, "a.csv") is None


def test_it_is_there_for_rehearsals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.registered_providers.cache_clear()
    assert "faulty" not in registry.registered_providers()
    monkeypatch.setenv("ENTREPOT_REHEARSAL", "1")
    registry.registered_providers.cache_clear()
    assert registry.provider("faulty") is FaultySettings
    monkeypatch.undo()
    registry.registered_providers.cache_clear()


def test_faults_that_cannot_be_meant_are_refused() -> None:
    for wrong in ({"where": "read", "kind": "odd"}, {"where": "read", "kind": "busy", "times": 0}):
        with pytest.raises(ValidationError):
            Fault.model_validate(wrong)
    with pytest.raises(InvalidInput):
        FaultySettings.from_url("faulty+file:///x")
