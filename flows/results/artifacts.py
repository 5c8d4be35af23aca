"""What a run shows: progress while a run moves files, tables when it is done."""

from __future__ import annotations

import time
from collections.abc import Sequence

from catalog.formats.quantities import format_bytes, format_duration
from catalog.settings import Settings
from flows.results.freshness import FreshnessResult
from flows.results.plan import PlanResult
from flows.results.report import GatewayAddress, report
from flows.results.sync import SyncResult
from flows.results.verify import VerifyResult
from orchestration.report import ProgressBar, publish_table, publish_text
from orchestration.run import run_logger
from transfer.workers.progress import Snapshot

INTERVAL_S = 2.0  # between two updates, each of which costs ten milliseconds of CPU
MAX_ROWS = 50  # of a table


class ProgressArtifact:
    """The progress artifact of a run, updated at most every `INTERVAL_S`."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Create the artifact with the current progress."""
        self._updated_s = time.monotonic()
        self._bar = ProgressBar("entrepot-progress", progress_line(snapshot))

    def update(self, snapshot: Snapshot, *, last: bool = False) -> None:
        """Show the current progress, unless the last update was a moment ago."""
        now_s = time.monotonic()
        if not last and now_s - self._updated_s < INTERVAL_S:
            return
        self._updated_s = now_s
        share, text = snapshot.share, progress_line(snapshot)
        run_logger().info("%s", text)
        self._bar.update(round(100 * (1.0 if last else min(share, 0.99)), 1), text)


def progress_line(snapshot: Snapshot) -> str:
    """Return the progress of a run as a line."""
    left = snapshot.left_s
    return (
        f"{snapshot.files:,} of {snapshot.wanted_files:,} files, "
        f"{format_bytes(snapshot.bytes)} of {format_bytes(snapshot.wanted_bytes)}, "
        f"{format_bytes(int(snapshot.rate))}/s, {snapshot.failed:,} failed"
        + (f", {format_duration(round(left))} left" if left else "")
    )


def show_plan(result: PlanResult) -> None:
    """Publish a plan's totals and its first rows."""
    warnings = "".join(f"\n\n**crosses a guard**: {violation}" for violation in result.crossed)
    warnings += "".join(f"\n\n**not seen**: {gap}" for gap in result.gaps[:MAX_ROWS])
    publish_table(
        result.totals(),
        key="entrepot-plan",
        description=(
            f"**{result.source}**: {result.summary()}, digest {result.digest[:12]}{warnings}"
        ),
    )
    if result.rows:
        publish_table(
            result.table(),
            key="entrepot-plan-rows",
            description=f"What plan {result.plan_id} would do (the first {MAX_ROWS} rows at most)",
        )


def show_findings(result: VerifyResult) -> None:
    """Publish what `verify` found."""
    publish_table(
        result.rows(),
        key="entrepot-findings",
        description=f"**{result.repository}**: {result.summary()}",
    )


def show_freshness(result: FreshnessResult) -> None:
    """Publish which objectives were met and which were missed."""
    missing = "".join(f"\n\n* {line}" for line in (*result.missed, *result.broken))
    publish_table(
        result.rows(),
        key="entrepot-freshness",
        description=f"{result.summary()}{missing}",
    )


def show_result(result: SyncResult, points: Sequence[Snapshot]) -> None:
    """Publish a result's table and failures, and a full report if anything was done."""
    table = result.rows()
    publish_table(
        table,
        key="entrepot-result",
        description="\n\n".join(
            [
                f"**{result.source}**: {result.summary()} in {result.seconds:.1f} s",
                *(f"**warning**: {line}" for line in result.webhook_failures[:MAX_ROWS]),
                *(f"**not seen**: {gap}" for gap in result.gaps[:MAX_ROWS]),
            ]
        ),
    )
    if result.changed or result.failures or result.dropped or result.gaps:
        publish_text(
            report(result, points, gateway=_gateway()),
            key="entrepot-report",
            description=f"**{result.source}**: {result.summary()}",
        )
    if result.failures:
        publish_table(
            [
                {
                    "path": failure.path,
                    "destination": failure.destination,
                    "error": failure.error,
                    "message": failure.message,
                    "expected": failure.expected or "",
                    "found": failure.found or "",
                }
                for failure in result.failures[:MAX_ROWS]
            ],
            key="entrepot-failures",
            description=f"{len(result.failures):,} failures (the first {MAX_ROWS} at most)",
        )


def _gateway() -> GatewayAddress | None:
    settings = Settings()
    return GatewayAddress(settings.gateway_url, settings.tenant) if settings.gateway_url else None
