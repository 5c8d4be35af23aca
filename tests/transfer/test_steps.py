"""A person's own steps: where they go, and what they may do with a batch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import InvalidInput
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import Action, PlanItem
from tests.transfer.endpoints import delivery, folder, item, leftovers, tree
from transfer.batch.delivery import CleanUp, TransferOptions
from transfer.steps.clean_up import cleanup
from transfer.steps.download import fetch_staging, prepare_staging
from transfer.steps.sequence import (
    BuiltInStep,
    StepChange,
    StepPosition,
    needs_staging,
    step_sequence,
)
from transfer.steps.staged_batch import StagedBatch
from transfer.steps.upload import upload

LARGE = os.urandom(9 * 2**20)
STAGED = TransferOptions(keep_staged=True)
OURS = (
    BuiltInStep.DOWNLOAD,
    BuiltInStep.VALIDATE,
    BuiltInStep.UPLOAD,
    BuiltInStep.MARK,
    BuiltInStep.CLEANUP,
)


def test_without_changes_the_order_is_ours() -> None:
    assert step_sequence(()) == OURS


def test_own_steps_go_before_after_and_instead_in_the_order_given() -> None:
    changes = [
        StepChange(StepPosition.AFTER, BuiltInStep.UPLOAD, "m:told"),
        StepChange(StepPosition.BEFORE, BuiltInStep.UPLOAD, "m:first"),
        StepChange(StepPosition.BEFORE, BuiltInStep.UPLOAD, "m:second"),
        StepChange(StepPosition.INSTEAD, BuiltInStep.VALIDATE),
        StepChange(StepPosition.INSTEAD, BuiltInStep.DOWNLOAD, "m:fetch"),
    ]
    assert step_sequence(changes) == (
        "m:fetch",
        "m:first",
        "m:second",
        BuiltInStep.UPLOAD,
        "m:told",
        BuiltInStep.MARK,
        BuiltInStep.CLEANUP,
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([StepChange(StepPosition.INSTEAD, BuiltInStep.UPLOAD)], "replaced, not left out"),
        ([StepChange(StepPosition.INSTEAD, BuiltInStep.DOWNLOAD)], "replaced, not left out"),
        ([StepChange(StepPosition.BEFORE, BuiltInStep.UPLOAD)], "needs a module:function"),
        ([StepChange(StepPosition.AFTER, BuiltInStep.MARK, "m:f")], "belongs to the strategy"),
        (
            [
                StepChange(StepPosition.INSTEAD, BuiltInStep.VALIDATE, "m:a"),
                StepChange(StepPosition.INSTEAD, BuiltInStep.VALIDATE, "m:b"),
            ],
            "two steps replace",
        ),
    ],
    ids=["no upload", "no download", "nothing to run", "mark", "two"],
)
def test_changes_that_cannot_be_are_refused(changes: list[StepChange], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        step_sequence(changes)


@pytest.mark.parametrize(
    ("change", "inside"),
    [
        (StepChange(StepPosition.BEFORE, BuiltInStep.DOWNLOAD, "m:f"), False),
        (StepChange(StepPosition.AFTER, BuiltInStep.DOWNLOAD, "m:f"), True),
        (StepChange(StepPosition.BEFORE, BuiltInStep.UPLOAD, "m:f"), True),
        (StepChange(StepPosition.AFTER, BuiltInStep.UPLOAD, "m:f"), False),
        (StepChange(StepPosition.INSTEAD, BuiltInStep.VALIDATE), False),
    ],
)
def test_large_files_are_staged_only_for_steps_that_may_look_at_them(
    change: StepChange, *, inside: bool
) -> None:
    assert needs_staging([change]) is inside


def moved(
    source: Path,
    end: Path,
    items: list[PlanItem],
    *,
    early: Callable[[StagedBatch], None] | None = None,
    middle: Callable[[StagedBatch], None] | None = None,
    instead: Callable[[StagedBatch], None] | None = None,
    late: Callable[[StagedBatch], None] | None = None,
    options: TransferOptions = STAGED,
) -> list[Outcome]:
    """Deliver with own steps before the download, before, instead of and after the upload."""
    staging = prepare_staging(delivery(folder(source), folder(end), options=options), items)
    batch = StagedBatch(staging, 0)
    if early:
        early(batch)
    fetch_staging(staging)
    if middle:
        middle(batch)
    if instead:
        instead(batch)
    else:
        upload(staging)
    if late:
        late(batch)
    return cleanup(staging)


def placed(folder: Path, **files: bytes) -> list[PlanItem]:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [item(name, len(data)) for name, data in files.items()]


def test_a_dropped_file_is_not_read_not_written_and_not_failed(tmp_path: Path) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    items = placed(source, a=b"one", b=b"two")
    (source / "b").unlink()  # dropped before the download: nobody looks for it

    def early(batch: StagedBatch) -> None:
        assert [(one.path, one.size, one.sha256) for one in batch.files] == [
            ("a", 3, None),
            ("b", 3, None),
        ]
        next(one for one in batch.files if one.path == "b").drop("not wanted")

    options = TransferOptions(clean_up=CleanUp.REMOVE)
    outcomes = {one.path: one for one in moved(source, end, items, early=early, options=options)}
    assert outcomes["a"].status is Status.STORED
    assert outcomes["b"].status is Status.DROPPED
    assert outcomes["b"].message == "not wanted"
    assert tree(end) == {"a": b"one"}
    assert tree(source) == {}  # a was cleaned up


def test_what_is_dropped_stays_at_a_source_that_is_cleaned_up(tmp_path: Path) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    items = placed(source, a=b"one")

    def middle(batch: StagedBatch) -> None:
        for one in batch.files:
            one.drop("no")

    moved(source, end, items, middle=middle, options=TransferOptions(clean_up=CleanUp.REMOVE))
    assert tree(source) == {"a": b"one"}
    assert leftovers([end]) == []


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
def test_a_step_reads_the_bytes_and_refuses(tmp_path: Path, data: bytes) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    items = placed(source, a=data)

    def middle(batch: StagedBatch) -> None:
        for one in batch.files:
            with one.open() as file:
                assert file.read() == data == one.read()
            assert one.sha256
            one.refuse("looks odd")

    (outcome,) = moved(source, end, items, middle=middle)
    assert (outcome.status, outcome.error, outcome.message) == (
        Status.FAILED,
        "refused",
        "looks odd",
    )


def test_bytes_that_nobody_read_yet_cannot_be_looked_at(tmp_path: Path) -> None:
    items = placed(tmp_path / "source", a=b"one")
    seen: list[str] = []

    def early(batch: StagedBatch) -> None:
        for one in batch.files:
            with pytest.raises(InvalidInput, match="not staged at this step"):
                one.open()
            seen.append(one.path)

    moved(tmp_path / "source", tmp_path / "end", items, early=early)
    assert seen == ["a"]


def test_a_step_after_the_upload_sees_what_became_of_each_file(tmp_path: Path) -> None:
    items = placed(tmp_path / "source", a=b"one")
    seen: list[tuple[str, Status]] = []
    moved(
        tmp_path / "source",
        tmp_path / "end",
        items,
        late=lambda batch: seen.extend((one.path, one.status) for one in batch.outcomes),
    )
    assert seen == [("a", Status.STORED)]


def test_bytes_from_elsewhere_are_held_to_the_plan(tmp_path: Path) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    source.mkdir()
    (tmp_path / "large").write_bytes(LARGE)
    items = [item("a", 3), item("b", 3), item("c", len(LARGE))]

    def take(batch: StagedBatch) -> None:
        given: dict[str, bytes | Path] = {"a": b"one", "b": b"three", "c": tmp_path / "large"}
        for one in batch.files:
            one.take(given[one.path])

    staging = prepare_staging(delivery(folder(source), folder(end)), items)
    take(StagedBatch(staging, 0))
    upload(staging)
    outcomes = {one.path: one for one in cleanup(staging)}
    assert outcomes["a"].status is outcomes["c"].status is Status.STORED
    assert (outcomes["b"].error, outcomes["b"].expected) == ("size-mismatch", "3")
    assert tree(end) == {"a": b"one", "c": LARGE}


def test_an_upload_of_ones_own_is_looked_at_before_it_is_believed(tmp_path: Path) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    items = placed(source, a=b"one", b=b"two", c=b"three")

    def instead(batch: StagedBatch) -> None:
        end.mkdir()
        for one in batch.files:
            if one.path != "c":
                (end / one.path).write_bytes(one.read() if one.path == "a" else b"t")
            one.stored()

    outcomes = {one.path: one for one in moved(source, end, items, instead=instead)}
    assert outcomes["a"].status is Status.STORED
    assert outcomes["b"].error == "size-mismatch"
    assert outcomes["c"].error == "not-found"


def test_a_removal_that_is_dropped_leaves_the_file(tmp_path: Path) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    source.mkdir()
    placed(end, old=b"kept")
    gone = replace(item("old", 4), actions=(Action.REMOVE,))

    def middle(batch: StagedBatch) -> None:
        assert not list(batch.files)
        for one in batch.removals:
            one.drop("still wanted")

    (outcome,) = moved(source, end, [gone], middle=middle)
    assert outcome.status is Status.DROPPED
    assert tree(end) == {"old": b"kept"}
