"""Plans: seen before anything is touched, applied exactly, refused when their ground moved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.catalog import Catalog
from catalog.errors import GuardCrossed, InvalidInput, NotRecorded, PlanOutdated
from catalog.model.plan import Mode
from tests.flows.sync.test_sync import files

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun


def many(root: Path, count: int) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (root / f"f{number:02}").write_text(f"file {number}")
    return root


def edit_source(source: Path, _: Path) -> None:
    (source / "a.txt").write_text("altered")


def empty_source(source: Path, _: Path) -> None:
    (source / "a.txt").unlink()


def take_name(_: Path, end: Path) -> None:
    (end / "a.txt").write_text("foreign")


def test_a_plan_says_what_would_be_done_and_touches_nothing(source: Path, tmp_path: Path) -> None:
    from flows.plan import plan  # noqa: PLC0415 - imports Prefect

    end = tmp_path / "end"
    planned = plan(str(source), [str(end)])

    assert planned
    assert [(one.action, one.path) for one in planned.rows] == [
        ("add", "a.txt"),
        ("add", "empty"),
        ("add", "sub/b.bin"),
    ]
    assert planned.tallies[0].bytes == 5 + 256 * 50
    assert "add 3, replace 0, remove 0" in str(planned)
    assert "<table>" in planned._repr_html_()
    assert planned.frame().height == 3
    assert files(end) == {}


def test_equal_plans_have_equal_digests(source: Path, tmp_path: Path) -> None:
    from flows.plan import plan  # noqa: PLC0415

    end = str(tmp_path / "end")
    first, second = plan(str(source), [end]), plan(str(source), [end])
    (source / "a.txt").write_text("other")

    assert first.digest == second.digest != plan(str(source), [end]).digest
    assert first.plan_id != second.plan_id


def test_a_plan_forecasts_what_such_runs_took_before(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = str(tmp_path / "end")
    first = plan(str(source), [end])
    assert first.plan.forecast is not None
    assert (first.plan.forecast.requests, first.plan.forecast.seconds) == (6, None)
    assert "with 6 requests" in str(first)

    sync(str(source), [end])
    (source / "a.txt").write_text("much longer than it was before")
    second = plan(str(source), [end])
    assert second.plan.forecast is not None
    assert second.plan.forecast.samples == 1
    assert (second.plan.forecast.seconds or 0) > 0
    assert "based on 1 earlier run" in str(second)

    run = apply(second.plan_id)
    ((found, expected, took, error),) = catalog.sql(
        "SELECT run_id, forecast_s, actual_s, error FROM forecast_errors"
    )
    assert found == run.run_id
    assert error == pytest.approx(took / expected - 1)


def test_a_plan_of_nothing_is_false(source: Path, tmp_path: Path) -> None:
    from flows.plan import plan  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = str(tmp_path / "end")
    sync(str(source), [end])

    planned = plan(str(source), [end])
    assert not planned
    assert "nothing to do" in str(planned)


def test_apply_does_exactly_what_was_planned(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    end = tmp_path / "end"
    planned = plan(str(source), [str(end)])
    (source / "new").write_text("came after the plan")
    result = apply(planned.plan_id)

    assert sorted(files(end)) == ["a.txt", "empty", "sub/b.bin"]
    assert (result.added, result.plan_id) == (3, planned.plan_id)
    assert catalog.versions.latest(f"file://{end}").total == 3
    assert catalog.runs.get(result.run_id).kind == "apply"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (edit_source, "changed at the source: size"),
        (empty_source, "is gone from the source"),
        (take_name, "is at the destination now"),
    ],
    ids=["source edited", "source file gone", "foreign file at the destination"],
)
def test_apply_refuses_and_names_what_moved(
    source: Path, tmp_path: Path, change: Callable[[Path, Path], object], named: str
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    end = tmp_path / "end"
    end.mkdir()
    planned = plan(str(source), [str(end)])
    change(source, end)
    before = files(end)

    with pytest.raises(PlanOutdated, match=named) as caught:
        apply(planned.plan_id)

    assert caught.value.count == 1
    assert "'a.txt'" in caught.value.reasons[0]
    assert files(end) == before


def test_apply_refuses_what_was_edited_at_the_destination_since(
    source: Path, tmp_path: Path
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").write_text("newer")
    planned = plan(str(source), [str(end)])
    (end / "a.txt").write_text("somebody was here")

    with pytest.raises(PlanOutdated, match="changed at the destination"):
        apply(planned.plan_id)
    assert (end / "a.txt").read_text() == "somebody was here"


def test_apply_takes_the_ends_again_where_nothing_leads_to_them(
    source: Path, tmp_path: Path
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    end = Repository(storage=LocalSettings(path=str(tmp_path / "end"), fsync=True))
    planned = plan(str(source), [end])

    with pytest.raises(InvalidInput, match="store it as a block"):
        apply(planned.plan_id)
    with pytest.raises(InvalidInput, match="the plan was made for"):
        apply(planned.plan_id, destinations=[str(tmp_path / "other")])
    assert apply(planned.plan_id, destinations=[end]).added == 3


def test_an_unknown_plan_is_named() -> None:
    from flows.apply import apply  # noqa: PLC0415

    with pytest.raises(NotRecorded, match="nonsense"):
        apply("nonsense")


def test_a_mirror_that_would_remove_most_of_a_destination_is_refused(
    tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source, end = many(tmp_path / "source", 40), tmp_path / "end"
    sync(str(source), [str(end)])
    for number in range(30):
        (source / f"f{number:02}").unlink()

    with pytest.raises(
        GuardCrossed, match=r"removes 30 of 40 files \(75%\), at most 50% are allowed"
    ):
        sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert len(files(end)) == 40
    assert catalog.runs.all(1)[0].state == "failed"

    from flows.forms.options import GuardSettings  # noqa: PLC0415

    allowed = GuardSettings(removal_share=0.8)
    assert sync(str(source), [str(end)], mode=Mode.MIRROR, guards=allowed).removed == 30


def test_a_plan_shows_the_guards_it_crosses(source: Path, tmp_path: Path) -> None:
    from flows.forms.options import GuardSettings  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    planned = plan(str(source), [str(tmp_path / "end")], guards=GuardSettings(bytes=100))
    assert "crosses a guard" in str(planned)
    assert "writes 12,805 bytes, at most 100 are allowed" in str(planned)


@pytest.mark.prefect
@pytest.mark.parametrize("answered", ["approved", "refused"])
def test_a_person_decides_through_prefect_whether_a_guarded_plan_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: str
) -> None:
    from flows.forms import approval, approval_form  # noqa: PLC0415
    from flows.forms.options import GuardSettings  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    monkeypatch.setattr(approval_form, "POLL_INTERVAL_S", 1)
    source, end = many(tmp_path / "source", 3), tmp_path / "end"
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(
                sync(
                    str(source),
                    [str(end)],
                    guards=GuardSettings(bytes=1),
                    approval=approval.Approval.ASK,
                )
            )
        except GuardCrossed as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    paused, description = wait_for_pause()
    assert "writes 18 bytes, at most 1 are allowed" in description
    assert files(end) == {}, "nothing is touched before the answer"
    answer(paused, {"approve": answered == "approved", "note": "so I say"})
    thread.join(timeout=240)

    if answered == "approved":
        assert getattr(ended[0], "added", None) == 3
        assert len(files(end)) == 3
    else:
        assert isinstance(ended[0], GuardCrossed)
        assert "so I say" in str(ended[0])
        assert files(end) == {}


def wait_for_pause() -> tuple[FlowRun, str]:
    """Return the flow run that waits, and the text above its form, as the UI reads them."""
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import FlowRunFilter  # noqa: PLC0415
    from prefect.client.schemas.sorting import FlowRunSort  # noqa: PLC0415
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415

    wanted = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PAUSED"]}}})
    deadline = time.monotonic() + 240
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            found = client.read_flow_runs(
                flow_run_filter=wanted, sort=FlowRunSort.START_TIME_DESC, limit=1
            )
            if found and found[0].state is not None:
                keyset = found[0].state.state_details.run_input_keyset or {}
                try:
                    told = client.request(
                        "GET",
                        "/flow_runs/{id}/input/{key}",
                        path_params={"id": found[0].id, "key": keyset["description"]},
                    )
                except PrefectHTTPStatusError as error:
                    if error.response.status_code != 404:
                        raise  # 404: Prefect stores the form after the pause
                else:
                    return found[0], told.text
            time.sleep(0.2)
    raise AssertionError("no run paused")


def answer(paused: FlowRun, values: dict[str, object]) -> None:
    """Resume a run with the values of its form, as the UI does."""
    from prefect import get_client  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        client.resume_flow_run(paused.id, run_input=values)


def test_a_run_explains_each_path_in_one_sentence(source: Path, tmp_path: Path) -> None:
    from flows.explain import explain  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").write_text("longer than before")
    result = sync(str(source), [str(end)])

    assert str(explain(result.run_id, "a.txt")) == (
        f"'a.txt' was replaced at file://{end}: source size changed 5 -> 18 "
        "(18 bytes written, stored)"
    )
    assert "<p>&#x27;a.txt&#x27; was replaced at" in explain(result.run_id, "a.txt")._repr_html_()
    assert "was skipped" in str(explain(result.run_id, "empty"))
    assert "took no part" in str(explain(result.run_id, "nowhere"))
    with pytest.raises(NotRecorded):
        explain("nonsense", "a.txt")
