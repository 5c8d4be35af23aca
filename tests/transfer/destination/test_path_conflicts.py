"""A file becomes a folder, or a folder a file: the new state, or the old one, never neither."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import Cancelled, StorageError
from catalog.model.outcome import Status
from catalog.model.plan import Action, PlanItem
from providers.base import Attributes, Storage, Stored
from providers.interfaces.history import HISTORY
from providers.local.settings import LocalSettings
from providers.local.storage import LocalStorage
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import QUICK, delivery, end, folder, tree
from transfer.batch.delivery import History, TransferOptions
from transfer.batch.endpoints import Endpoint, StorageRef


def removal(path: str, arrival: str) -> PlanItem:
    return PlanItem(
        "", path, None, None, None, (), None, None, (0,), (Action.REMOVE,), conflict=arrival
    )


def arrival(path: str, size: int) -> PlanItem:
    return PlanItem(path, path, size, None, None, (), None, None, (0,), (Action.ADD,))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    (root / "a").mkdir(parents=True)
    (root / "a/inner").write_text("now a folder")
    (root / "b").write_text("now a file")
    return root


def target(root: Path, *, history: bool) -> Endpoint[Storage]:
    """Open a destination where `a` is a file and `b` a folder."""
    (root / "b/deep").mkdir(parents=True)
    (root / "b/empty").mkdir()
    (root / "a").write_text("a file")
    (root / "b/c").write_text("one below")
    (root / "b/deep/d").write_text("two below")
    area = end(LocalSettings(path=str(root / HISTORY)), QUICK)

    @contextmanager
    def opened() -> Generator[Storage]:
        yield area.storage

    aside = StorageRef(area.address, opened)
    place = folder(root)
    return replace(place, holding_area=aside, history=aside if history else None)


ITEMS = [
    arrival("a/inner", 12),
    arrival("b", 10),
    removal("a", "a/inner"),
    removal("b/c", "b"),
    removal("b/deep/d", "b"),
]
OLD = {"a": b"a file", "b/c": b"one below", "b/deep/d": b"two below"}
NEW = {"a/inner": b"now a folder", "b": b"now a file"}


def shown(root: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(root).items() if not name.startswith(".entrepot/")}


@pytest.mark.parametrize("history", [True, False], ids=["with history", "without"])
def test_the_new_state_comes_in_one_batch(source: Path, tmp_path: Path, *, history: bool) -> None:
    outcomes = deliver(delivery(folder(source), target(tmp_path / "out", history=history)), ITEMS)

    assert shown(tmp_path / "out") == NEW
    assert {one.status for one in outcomes} == {Status.STORED, Status.REMOVED}
    kept = [name for name in tree(tmp_path / "out") if name.startswith(HISTORY)]
    assert len(kept) == (3 if history else 0)


def test_nothing_makes_way_for_what_cannot_be_read(source: Path, tmp_path: Path) -> None:
    (source / "a/inner").unlink()
    (source / "b").unlink()

    outcomes = deliver(delivery(folder(source), target(tmp_path / "out", history=True)), ITEMS)

    assert shown(tmp_path / "out") == OLD
    assert {one.status for one in outcomes} == {Status.FAILED}
    assert any("failed to arrive" in (one.message or "") for one in outcomes)


@pytest.mark.parametrize("history", [True, False], ids=["with history", "without"])
def test_the_old_state_comes_back_where_the_new_one_cannot_be_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, history: bool
) -> None:
    place = target(tmp_path / "out", history=history)
    put = LocalStorage.put

    def full(self: LocalStorage, path: str, data: bytes, attributes: Attributes) -> Stored:
        if path in NEW:
            raise StorageError(f"{path!r}: the disk is full", path=path)
        return put(self, path, data, attributes)

    monkeypatch.setattr(LocalStorage, "put", full)
    outcomes = deliver(delivery(folder(source), place), ITEMS)

    assert shown(tmp_path / "out") == OLD
    failed = [one for one in outcomes if one.status is Status.FAILED]
    assert sorted(one.path for one in failed) == ["a", "a/inner", "b", "b/c", "b/deep/d"]
    assert sum("was restored" in (one.message or "") for one in failed) == 3


def test_the_old_state_comes_back_where_the_run_is_stopped_in_between(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = delivery(
        folder(source),
        target(tmp_path / "out", history=False),
        options=TransferOptions(threads=1, history=History.DROP),
    )

    def stopped(self: LocalStorage, path: str, data: bytes, attributes: Attributes) -> Stored:  # noqa: ARG001
        job.stop.set()
        raise Cancelled("the run was asked to stop")

    monkeypatch.setattr(LocalStorage, "put", stopped)
    with pytest.raises(Cancelled):
        deliver(job, ITEMS)

    assert shown(tmp_path / "out") == OLD
