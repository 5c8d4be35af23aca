"""The flow that looks for what did not come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.errors import InvalidInput
from tests.flows.runs.test_events import Told, told

__all__ = ["told"]  # a fixture


@pytest.fixture
def drop(source: Path) -> Iterator[str]:
    """Store the source with two objectives; one of them cannot be met."""
    from blocks.objective import ObjectiveSettings  # noqa: PLC0415 - imports Prefect
    from blocks.repository import Repository  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    Repository(
        storage=LocalSettings(path=str(source)),
        objectives=[
            ObjectiveSettings(pattern="*.txt", within="1 h"),
            ObjectiveSettings(pattern="daily/%Y-%m-%d.csv"),
        ],
    ).save("freshness-drop", overwrite=True, _sync=True)  # type: ignore[call-arg]
    yield "freshness-drop"
    Repository.delete("freshness-drop", _sync=True)  # type: ignore[call-arg]


@pytest.mark.prefect
def test_a_file_that_did_not_come_fails_the_run_and_is_told(
    drop: str, source: Path, tmp_path: Path, told: Told
) -> None:
    from flows.freshness import freshness  # noqa: PLC0415
    from flows.results.freshness import FreshnessMissed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    with pytest.raises(
        FreshnessMissed, match=r"no file matching '\*\.txt' arrived within 1 h; none ever"
    ):
        freshness(names=[drop])
    sync(drop, [str(tmp_path / "end")])
    with pytest.raises(
        FreshnessMissed, match=r"no file matching 'daily/\d{4}-\d\d-\d\d\.csv'"
    ) as one:
        freshness(names=[drop])
    rows = one.value.result.rows()
    assert [row["outcome"] for row in rows] == ["met", "missed"]
    assert "daily/%Y" in str(one.value.result)

    events = told("entrepot.freshness.missed", 2)
    assert {each.resource.id for each in events} == {f"entrepot.repository.{drop}"}
    assert sorted(each.payload["count"] for each in events) == [1, 2]

    from datetime import UTC, datetime  # noqa: PLC0415

    (source / "daily").mkdir()
    (source / "daily" / f"{datetime.now(UTC):%Y-%m-%d}.csv").write_text("1")
    sync(drop, [str(tmp_path / "end")])
    assert freshness(names=[drop])
    with pytest.raises(InvalidInput, match="none of the 0 selected"):
        freshness(names=["no-such"])


@pytest.mark.parametrize(
    "wrong",
    [{"pattern": "a%x"}, {"pattern": ""}, {"within": "soon"}, {"size": "big"}, {"files": -1}],
    ids=str,
)
def test_an_objective_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    from pydantic import ValidationError  # noqa: PLC0415

    from blocks.objective import ObjectiveSettings  # noqa: PLC0415

    with pytest.raises((ValidationError, InvalidInput)):
        ObjectiveSettings.model_validate(wrong)
