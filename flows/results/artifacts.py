"""What a run shows in Prefect's UI: progress while it moves, a table when it is done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from catalog.formats.quantities import format_duration
from catalog.settings import Settings
from flows.results.freshness import FreshnessResult
from flows.results.plan import PlanResult
from flows.results.report import Gateway, report
from flows.results.sync import SyncResult, human
from flows.results.verify import VerifyResult
from transfer.workers.progress import Snapshot

EVERY_S = 2.0  # between two updates: each costs ten milliseconds of CPU
TOP = 50  # rows of a table


class ProgressArtifact:
    """One progress artifact of a run, updated at most every `EVERY_S`."""

    def __init__(self, now: Snapshot) -> None:
        """Begin with the counts of this moment."""
        self._updated_s = time.monotonic()
        self._id: UUID = create_progress_artifact(  # type: ignore[assignment]
            progress=0.0,
            key="entrepot-progress",
            description=told(now),
            _sync=True,  # type: ignore[call-arg]
        )

    def show(self, now: Snapshot, *, last: bool = False) -> None:
        """Show the counts of this moment, unless the last update is too fresh."""
        moment = time.monotonic()
        if not last and moment - self._updated_s < EVERY_S:
            return
        self._updated_s = moment
        share, text = now.share, told(now)
        get_run_logger().info("%s", text)
        try:
            update_progress_artifact(
                self._id,
                progress=round(100 * (1.0 if last else min(share, 0.99)), 1),
                description=text,
                _sync=True,  # type: ignore[call-arg]
            )
        except PrefectException as error:  # a picture is not worth a run
            get_run_logger().warning("the progress could not be shown: %s", error)


def told(now: Snapshot) -> str:
    """Return the counts of a moment as a line."""
    left = now.left_s
    known = now.wanted_bytes >= now.bytes > 0  # a source may tell no sizes, or not all
    total = f" of {human(now.wanted_bytes)}" if known else ""
    return (
        f"{now.files} of {now.wanted_files} files, {human(now.bytes)}{total}, "
        f"{human(int(now.rate))}/s, {now.failed} failed"
        + (f", {format_duration(round(left))} left" if left else "")
    )


def show_plan(result: PlanResult) -> None:
    """Write the plan's totals, and under them its first rows."""
    warned = "".join(f"\n\n**crosses a guard**: {one}" for one in result.crossed)
    warned += "".join(f"\n\n**not seen**: {one}" for one in result.gaps[:TOP])
    create_table_artifact(
        table=result.totals(),
        key="entrepot-plan",
        description=f"**{result.source}**: {result.summary()}, digest {result.digest[:12]}{warned}",
        _sync=True,  # type: ignore[call-arg]
    )
    if result.rows:
        create_table_artifact(
            table=result.table(),
            key="entrepot-plan-rows",
            description=f"What plan {result.plan_id} would do; the first {TOP} rows at most",
            _sync=True,  # type: ignore[call-arg]
        )


def show_findings(result: VerifyResult) -> None:
    """Write what verify found; nothing where all is well but the sentence that says so."""
    create_table_artifact(
        table=result.rows(),
        key="entrepot-findings",
        description=f"**{result.repository}**: {result.summary()}",
        _sync=True,  # type: ignore[call-arg]
    )


def show_freshness(result: FreshnessResult) -> None:
    """Write what came, and what did not."""
    missing = "".join(f"\n\n* {one}" for one in (*result.missed, *result.broken))
    create_table_artifact(
        table=result.rows(),
        key="entrepot-freshness",
        description=f"{result.summary()}{missing}",
        _sync=True,  # type: ignore[call-arg]
    )


def show_result(result: SyncResult, points: Sequence[Snapshot]) -> None:
    """Write the result's table and what failed; where anything was done, a report with it all."""
    table = result.rows()
    create_table_artifact(
        table=table,
        key="entrepot-result",
        description="\n\n".join(
            [
                f"**{result.source}**: {result.summary()} in {result.seconds:.1f} s",
                *(f"**warning**: {one}" for one in result.untold[:TOP]),
                *(f"**not seen**: {one}" for one in result.gaps[:TOP]),
            ]
        ),
        _sync=True,  # type: ignore[call-arg]
    )
    if result.changed or result.failures or result.dropped or result.gaps:
        create_markdown_artifact(
            report(result, points, gateway=_gateway()),
            key="entrepot-report",
            description=f"**{result.source}**: {result.summary()}",
            _sync=True,  # type: ignore[call-arg]
        )
    if result.failures:
        create_table_artifact(
            table=[
                {
                    "path": one.path,
                    "destination": one.destination,
                    "error": one.error,
                    "message": one.message,
                    "expected": one.expected or "",
                    "found": one.found or "",
                }
                for one in result.failures[:TOP]
            ],
            key="entrepot-failures",
            description=f"{len(result.failures)} failed; the first {TOP} at most are shown",
            _sync=True,  # type: ignore[call-arg]
        )


def _gateway() -> Gateway | None:
    settings = Settings()
    return Gateway(settings.gateway_url, settings.tenant) if settings.gateway_url else None
