"""Steps of a person's own in a sync."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from tests.flows.sync.test_sync import files
from transfer.steps.staged_batch import StagedBatch

told: list[tuple[str, str]] = []


def leave_out(batch: StagedBatch) -> None:
    """Drop the file `a.txt`; named by a test as a step."""
    for file in batch.files:
        if file.path == "a.txt":
            file.drop(f"{len(file.read())} bytes that nobody wants")


def tell(batch: StagedBatch) -> None:
    """Note what became of each file; named by a test as a step."""
    told.extend((one.path, one.status) for one in batch.outcomes)


def break_down(batch: StagedBatch) -> None:
    """Raise an error; named by a test as a step."""
    raise ZeroDivisionError(f"nothing to divide in batch {batch.number}")


def test_a_step_drops_a_file_and_another_sees_what_was_stored(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.forms.options import StepSettings  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    told.clear()
    monkeypatch.setitem(sys.modules, "own", sys.modules[__name__])
    end = tmp_path / "end"
    steps = [
        StepSettings(run="own:leave_out"),
        StepSettings.model_validate({"at": "after", "part": "upload", "run": "own:tell"}),
        StepSettings.model_validate({"at": "instead", "part": "validate"}),
    ]

    result = sync(str(source), [str(end)], steps=steps)

    assert (result.added, result.dropped, result.failed) == (2, 1, 0)
    assert set(files(end)) == {"empty", "sub/b.bin"}
    assert result.summary().startswith("2 added, 0 replaced, 0 removed, 1 dropped")
    assert "'a.txt'" in str(result)
    assert "5 bytes that nobody wants" in str(result)
    assert "5 bytes that nobody wants" in result._repr_html_()
    assert sorted(told) == [("a.txt", "dropped"), ("empty", "stored"), ("sub/b.bin", "stored")]
    assert result[0].new_version
    assert result[0].files == 2, "the version does not list what was dropped"
    (why,) = Catalog.open().runs.explain(result.run_id, "a.txt")
    assert str(why).startswith(f"'a.txt' was dropped at {result[0].address}: 5 bytes")

    again = sync(str(source), [str(end)], steps=steps, skip_unchanged=True)
    assert (again.unchanged_since, again.added, again.dropped) == (None, 0, 1)
    assert not again[0].new_version
    assert again.summary() == "1 dropped, nothing else to do: 1 destination"

    without = sync(str(source), [str(end)], skip_unchanged=True)
    assert without.added == 1
    assert set(files(end)) == {"a.txt", "empty", "sub/b.bin"}


def test_steps_that_break_or_lead_nowhere_leave_nothing_half_done(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.forms.options import StepSettings  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from tasks.batch.steps import StepFailed  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, "own", sys.modules[__name__])
    end = tmp_path / "end"
    broken = [StepSettings(run="own:break_down")]
    with pytest.raises(
        StepFailed, match="'own:break_down' failed in batch 0: ZeroDivisionError: nothing to divide"
    ):
        sync(str(source), [str(end)], steps=broken)
    assert files(end) == {}
    with pytest.raises(InvalidInput, match="step 'own:nothing' cannot be imported"):
        plan(str(source), [str(end)], steps=[StepSettings(run="own:nothing")])
    with pytest.raises(InvalidInput, match="checks, steps and contracts cannot be combined"):
        sync(str(source), [str(end)], steps=broken, policy="on_demand")


def test_a_plan_remembers_its_steps(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.forms.options import StepSettings  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, "own", sys.modules[__name__])
    planned = plan(str(source), [str(tmp_path / "end")], steps=[StepSettings(run="own:leave_out")])
    assert apply(planned.plan_id).dropped == 1
