"""The report of a run: its picture, its words, and the asset that a version is."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from flows.results.chart import COLOURS, chart_svg
from flows.results.report import report
from flows.results.sync import DestinationResult, Failure, SyncResult
from tests.flows.runs.test_events import Told, payloads, synced_thrice, told
from transfer.workers.progress import ProgressHistory, Snapshot

__all__ = ["told"]  # a fixture

SVG = "{http://www.w3.org/2000/svg}"
SNAPSHOTS = st.lists(
    st.tuples(
        st.integers(0, 10**7), st.integers(0, 2**45), st.floats(0, 10**6, allow_nan=False)
    ).map(lambda one: Snapshot(one[0], 0, one[1], one[2])),
    max_size=20,
)


@given(SNAPSHOTS, st.dictionaries(st.sampled_from(list(COLOURS)), st.integers(0, 10**7)))
def test_whatever_a_run_did_its_picture_is_well_formed_and_inside_its_frame(
    points: list[Snapshot], outcomes: dict[str, int]
) -> None:
    root = ET.fromstring(chart_svg(points, outcomes))  # noqa: S314 - our own text
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for line in root.iter(f"{SVG}polyline"):
        pairs = [pair.split(",") for pair in line.attrib["points"].split()]
        assert len(pairs) == len(points)
        assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in pairs)
    bars = [one for one in root.iter(f"{SVG}rect") if "fill" in one.attrib][1:]
    assert len(bars) == sum(count > 0 for count in outcomes.values())
    assert all(float(one.attrib["x"]) + float(one.attrib["width"]) <= width for one in bars)


def test_a_long_run_has_no_more_points_than_a_short_one_and_keeps_its_ends() -> None:
    course = ProgressHistory(max_points=10)
    for second in range(1000):
        course.add(Snapshot(second, 0, 0, float(second)))
    moments = [one.elapsed_s for one in course.points]
    assert len(moments) <= 12
    assert (moments[0], moments[-1]) == (0.0, 999.0)
    assert moments == sorted(moments)


def test_the_report_names_what_failed_and_what_was_dropped_and_breaks_no_table() -> None:
    odd = "a|b`c`\n<script>alert(1)</script>"
    result = SyncResult(
        "run",
        "plan",
        "source",
        3,
        (
            DestinationResult(
                "end", "file:///end", added=2, failed=1, dropped=1, new_version=True, version=4
            ),
        ),
        failures=(Failure(odd, "file:///end", "size-mismatch", "too short", "3", "2"),),
        drops=(Failure("tmp", "file:///end", "dropped", "not wanted"),),
        seconds=2.0,
    )
    text = report(result, [Snapshot(0, 0, 0, 0.0), Snapshot(3, 1, 100, 2.0)])

    assert "# source → end" in text
    assert "## Failed: 1" in text
    assert "## Dropped: 1" in text
    assert "entrepot explain run " not in text.split("## More details")[1].split("tmp")[0]
    assert "entrepot diff end 3 4" in text
    assert "<script>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(
        len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", rows[0]))
        for row in rows[:3]
    )
    (row,) = (line for line in rows if "too short" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    picture = re.search(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", text)
    assert picture is not None
    assert base64.b64decode(picture[1]).startswith(b"<svg ")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("s3://archive/nightly", "s3://archive/nightly"),
        ("file:///srv/data", "file:///srv/data"),
        ("file:///srv/my data", r"entrepot://file/srv/my_data-[0-9a-f]{12}"),
        ("git+ssh://git@h/x?ref=a b", r"entrepot://git\+ssh/git@h/x_ref=a_b-[0-9a-f]{12}"),
        ("file:///" + "x" * 600, r"entrepot://file/x{400,}-[0-9a-f]{12}"),
    ],
    ids=["s3", "file", "blank", "odd", "long"],
)
def test_every_address_has_a_key_that_prefect_takes(address: str, key: str) -> None:
    from prefect.assets import Asset  # noqa: PLC0415 - imports Prefect

    from flows.results.assets import asset_key  # noqa: PLC0415

    assert re.fullmatch(key, asset_key(address))
    Asset(key=asset_key(address))


def test_a_version_is_one_materialization_and_a_run_of_nothing_is_none(
    source: Path, tmp_path: Path, told: Told
) -> None:
    end = str(tmp_path / "end")
    runs = synced_thrice(source, end)

    events = told("prefect.asset.materialization.succeeded", 2)

    assert [
        (one["version"], one["added"], one["replaced"], one["files"]) for one in payloads(events)
    ] == [
        (1, 3, 0, 3),
        (2, 0, 1, 3),
    ]
    assert [one["run_id"] for one in payloads(events)] == [*runs]
    catalog = Catalog.open()
    assert [one["digest"] for one in payloads(events)] == [
        f"sha256:{catalog.exports.manifest_digest(f'file://{end}', number)}" for number in (1, 2)
    ]
    assert {one.resource.id for one in events} == {f"file://{end}"}
    above = {one.id for event in events for one in event.related if one.role == "asset"}
    assert above == {f"file://{source}"}
    assert {one.id for event in events for one in event.related} >= {"entrepot"}


def test_a_run_that_did_something_has_a_report_and_one_that_did_nothing_has_none(
    source: Path, tmp_path: Path
) -> None:
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import (  # noqa: PLC0415
        ArtifactFilter,
        ArtifactFilterFlowRunId,
    )

    from flows.sync import sync  # noqa: PLC0415

    states = [sync(str(source), [str(tmp_path / "end")], return_state=True) for _ in range(2)]
    runs = [one.state_details.flow_run_id for one in states]
    with get_client(sync_client=True) as client:
        first, second = (
            [
                one
                for one in client.read_artifacts(
                    artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
                )
                if one.key == "entrepot-report"
            ]
            for run in runs
        )
    (report,) = first
    assert "3 added" in str(report.data)
    assert second == []
