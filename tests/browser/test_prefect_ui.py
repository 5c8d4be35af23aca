"""A newcomer in Prefect's UI: make two blocks, start a run, watch it, read its report.

Set ENTREPOT_SCREENSHOTS to a folder to look at what was seen.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Prefect
from tests.flows.sync.test_sync import files
from tests.servers.process import ROOT, program, running

expect.set_options(timeout=30_000)
FILES, SIZE = 60, 100_000  # six seconds at a million bytes a second


def seen(page: Page, name: str) -> None:
    """Keep what the page shows, where that is wanted."""
    if folder := os.environ.get("ENTREPOT_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def field(page: Page, label: str) -> Locator:
    """Return a field of a form of the first UI: its labels do not lead to their fields."""
    near = "ancestor::div[contains(concat(' ',@class,' '),' p-label ')][1]"
    return page.locator(
        f"xpath=//label[normalize-space()='{label}']/{near}//*[self::input or self::textarea]"
    ).first


def make_source(page: Page, url: str, folder: Path) -> None:
    """Store where files come from, in the second UI: slow enough to be watched."""
    page.goto(f"{url}/v2/blocks/catalog/entrepot-repository/create")
    page.get_by_label("Name", exact=True).fill("drop")
    for tab in ("Folder", "HTTP", "S3", "GCS", "Azure", "SFTP", "FTP", "WebDAV", "Git", "fsspec"):
        expect(page.get_by_role("tab", name=tab, exact=True)).to_be_visible()
    page.get_by_role("textbox", name="Folder").fill(str(folder))
    page.get_by_role("tab", name="float").nth(1).click()  # of requests, then of bytes a second
    page.get_by_role("tabpanel", name="float").get_by_role("spinbutton").fill("1000000")
    seen(page, "1-block-v2")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/blocks/block/**")


def make_destination(page: Page, url: str, folder: Path) -> None:
    """Store where they go, in the first UI."""
    page.goto(f"{url}/blocks/catalog/entrepot-repository/create")
    field(page, "Folder").fill(str(folder))
    field(page, "Block Name").fill("shelf")
    seen(page, "2-block-v1")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/blocks/block/**")


def start(page: Page, prefect: Prefect) -> str:
    """Fill the run form: two pickers, nothing else has to be said; return the run's id.

    The id is the reply's to the form: the button that leads to the run vanishes after seconds.
    """
    page.goto(f"{prefect.url}/v2/deployments/deployment/{prefect.sync}/run")
    expect(page.get_by_text("Where the files come from")).to_be_visible()
    page.get_by_text("Select a block").first.click()
    page.get_by_role("option", name="drop").click()
    page.get_by_role("button", name="Add item").click()
    page.get_by_text("Select a block").last.click()
    page.get_by_role("option", name="shelf").click()
    seen(page, "3-form")
    with page.expect_response("**/create_flow_run") as made:
        page.get_by_role("button", name="Submit").click()
    assert made.value.ok, made.value.text()
    return str(made.value.json()["id"])


def report_of(run_id: str) -> str:
    """Return the id of the report of a run."""
    from prefect import get_client  # noqa: PLC0415 - takes seconds
    from prefect.client.schemas import filters  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        (found,) = client.read_artifacts(
            artifact_filter=filters.ArtifactFilter(
                key=filters.ArtifactFilterKey(any_=["entrepot-report"]),
                flow_run_id=filters.ArtifactFilterFlowRunId.model_validate({"any_": [run_id]}),
            )
        )
    return str(found.id)


@pytest.mark.slow
def test_a_run_from_the_first_block_to_the_report(
    prefect: Prefect, page: Page, tmp_path: Path
) -> None:
    source, end = tmp_path / "source", tmp_path / "end"
    source.mkdir()
    for number in range(FILES):
        (source / f"{number}.bin").write_bytes(os.urandom(SIZE))
    make_source(page, prefect.url, source)
    make_destination(page, prefect.url, end)
    run_id = start(page, prefect)

    worker = [program("prefect"), "worker", "start", "--pool", "entrepot", "--run-once"]
    with running(
        worker,
        lambda: True,
        log=prefect.home / "worker.log",
        environment={**prefect.environment, "PYTHONPATH": str(ROOT)},
    ) as process:
        page.goto(f"{prefect.url}/runs/flow-run/{run_id}?tab=Artifacts")
        expect(page.get_by_text(f"of {FILES} files,").first).to_be_visible(timeout=90_000)
        seen(page, "4-progress")
        assert process.wait(timeout=120) == 0

    assert set(files(end)) == {f"{number}.bin" for number in range(FILES)}
    for name, root in (("5-run-v1", prefect.url), ("6-run-v2", f"{prefect.url}/v2")):
        page.goto(f"{root}/runs/flow-run/{run_id}?tab=Artifacts")
        expect(page.get_by_text("Completed").first).to_be_visible()
        expect(page.get_by_text("sync drop to shelf").first).to_be_visible()
        expect(page.get_by_text(f"{FILES} added").first).to_be_visible()
        seen(page, name)
    for name, root in (("7-report-v1", prefect.url), ("8-report-v2", f"{prefect.url}/v2")):
        page.goto(f"{root}/artifacts/artifact/{report_of(run_id)}")
        picture = page.get_by_role("img", name="bytes and files over time, and by outcome")
        expect(picture).to_be_visible()
        assert picture.evaluate("one => one.complete && one.naturalWidth") == 720
        expect(page.get_by_role("heading", name="drop → shelf")).to_be_visible()
        seen(page, name)
