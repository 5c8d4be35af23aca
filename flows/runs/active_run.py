"""What every flow that moves files does alike: plan, deliver in batches, record, report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

from prefect import unmapped
from prefect.futures import PrefectFuture, wait
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.repository import Repository
from blocks.webhook import Webhook
from catalog.catalog import Catalog
from catalog.errors import Cancelled
from catalog.model.outcome import Status
from catalog.model.plan import Plan
from catalog.model.run import Run
from catalog.model.version import Version
from catalog.store.destination_locks import destination_locks
from flows.forms.options import Options
from flows.results.artifacts import ProgressArtifact, show_result
from flows.results.assets import materialized
from flows.results.contract_breaches import report_breaches
from flows.results.events import version_created
from flows.results.sync import DestinationResult, Failure, SyncResult, failures_of
from flows.runs.listing_gaps import Gaps, gaps_of, report_gaps
from tasks.batch.deliver import deliver
from tasks.batch.record import BatchReport
from tasks.concurrency_limit import ensure_limits
from tasks.job import Job, forget_run, run_resources
from tasks.publish import publish
from transfer.batch.delivery import TransferOptions
from transfer.steps.sequence import StepChange
from transfer.steps.validate import Check
from transfer.workers.memory_tuning import relaxed_collector, return_freed_memory
from transfer.workers.progress import ProgressHistory, Snapshot

FAILURES = 1000  # failures that a result carries; the catalog has them all


class ActiveRun:
    """One run from its first line in the catalog to its last."""

    def __init__(
        self,
        kind: str,
        source: Repository,
        destinations: tuple[Repository, ...],
        *,
        writes: tuple[Repository, ...] | None = None,
        webhook: Webhook | None = None,
    ) -> None:
        """Take a new run id; `writes` are the repositories to hold alone, by default all.

        `webhook` is told what each batch newly stored.
        """
        self.kind = kind
        self._writes = destinations if writes is None else writes
        self._ended = False
        self._untold: tuple[str, ...] = ()
        self._uncleaned: tuple[Failure, ...] = ()
        self.gaps = Gaps()
        self.job = Job(uuid4().hex, source, destinations, webhook=webhook)
        self._began_s = time.monotonic()
        self._held = ExitStack()
        self._course = ProgressHistory()

    @property
    def catalog(self) -> Catalog:
        """Return the run's catalog."""
        return run_resources(self.job.run_id).catalog

    def __enter__(self) -> Self:
        """Wait for the destinations' turns, then record that the run began."""
        folder = self.catalog.folder / "turns"
        addresses = [one.address for one in self._writes]
        flow_run_id = flow_run.id
        with ExitStack() as held:
            held.enter_context(
                destination_locks(folder, addresses, run_resources(self.job.run_id).stop.check)
            )
            held.enter_context(relaxed_collector())
            return_freed_memory()
            self.catalog.runs.start(
                Run(
                    self.job.run_id,
                    self.kind,
                    source=self.job.source.address,
                    destinations=tuple(one.address for one in self.job.destinations),
                    started_at=datetime.now(UTC),
                    flow_run_id=str(flow_run_id) if flow_run_id else None,
                )
            )
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        """Record how an interrupted run ended; a whole one has said so itself."""
        if error is not None and not self._ended:
            stopped = isinstance(error, Cancelled) or not isinstance(error, Exception)
            state = "cancelled" if stopped else "failed"
            self.end(state, str(error) or type(error).__name__)
        forget_run(self.job.run_id)
        self._held.close()

    def end(self, state: str, message: str, *, plan_id: str | None = None) -> None:
        """Record how the run ended."""
        self._ended = True
        self.catalog.runs.end(self.job.run_id, state, message, plan_id=plan_id)

    def look_for_gaps(self, options: Options) -> Gaps:
        """Return what the run's listings could not see, once they are made, and tell it."""
        self.gaps = gaps_of(self.catalog, self.job.run_id, options)
        report_gaps(self.job, self.gaps)
        return self.gaps

    def how(
        self,
        options: TransferOptions,
        checks: tuple[Check, ...] = (),
        steps: tuple[StepChange, ...] = (),
    ) -> None:
        """Say how to move, before `move`."""
        self.job = replace(self.job, options=options, checks=checks, steps=steps)

    def move(self, plan: Plan) -> list[BatchReport]:
        """Deliver every batch of the plan; a stop asked for reaches every thread."""
        self.job = replace(self.job, plan_id=plan.plan_id)
        batches = self.catalog.plans.batches(plan.plan_id)
        if not batches:
            return []
        ensure_limits((self.job.source, *self.job.destinations))
        common = run_resources(self.job.run_id)
        common.progress.expect(
            max((one.add + one.replace + one.remove for one in plan.tallies), default=0),
            max((one.bytes for one in plan.tallies), default=0),
        )
        progress = ProgressArtifact(self._seen())
        futures: list[PrefectFuture[BatchReport]] = []
        try:
            # What makes way for others goes first. What a plan removes may be what it copies from:
            # the other removals wait for the rest.
            for clears, removals in ((True, False), (False, False), (False, True)):
                numbers = [
                    one.number
                    for one in batches
                    if one.clears is clears and one.removals is removals
                ]
                futures += deliver.map(numbers, job=unmapped(self.job)) if numbers else []
                while wait(futures, timeout=1.0).not_done:
                    progress.show(self._seen())
        except BaseException:
            common.stop.set()
            wait(futures)
            raise
        progress.show(self._seen(), last=True)
        reports = [future.result() for future in futures]
        self._untold = tuple(one.webhook_error for one in reports if one.webhook_error)
        self._uncleaned = tuple(
            Failure(path, self.job.source.address, "clean-up", f"not removed: {why}")
            for one in reports
            for path, why in one.uncleaned
        )
        return reports

    def _seen(self) -> Snapshot:
        now = run_resources(self.job.run_id).progress.snapshot()
        self._course.add(now)
        return now

    def finish(
        self,
        plan: Plan | None,
        source_version: int | None,
        *,
        allow_partial: bool,
        same_as: str | None = None,
    ) -> SyncResult:
        """Make the destinations' versions, end the run, and return what it did.

        `same_as` is the run after which nothing changed, where this one was skipped for that.
        """
        catalog, job = self.catalog, self.job
        made: tuple[Version | None, ...] = (None,) * len(job.destinations)
        failures: tuple[Failure, ...] = ()
        drops: tuple[Failure, ...] = ()
        if plan is not None:
            made = catalog.versions.record(job.run_id, plan.plan_id, allow_partial=allow_partial)
            failed = failures_of(catalog.runs.outcomes(job.run_id, Status.FAILED, FAILURES))
            failures = (*failed, *self._uncleaned)
            drops = failures_of(catalog.runs.outcomes(job.run_id, Status.DROPPED, FAILURES))
        tallies = (
            {one.address: one for one in catalog.runs.tallies(job.run_id)}
            if plan is not None
            else {}
        )
        rows: list[DestinationResult] = []
        for repository, version in zip(job.destinations, made, strict=True):
            address = repository.address
            tally = tallies.get(address)
            latest = version or catalog.versions.latest(address)
            rows.append(
                DestinationResult(
                    repository.label,
                    address,
                    added=tally.added if tally else 0,
                    replaced=tally.replaced if tally else 0,
                    removed=tally.removed if tally else 0,
                    kept=tally.kept if tally else 0,
                    failed=tally.failed if tally else 0,
                    bytes=tally.bytes if tally else 0,
                    catalogued=tally.catalogued if tally else 0,
                    dropped=tally.dropped if tally else 0,
                    version=latest.number,
                    made=version is not None,
                    files=latest.total,
                    size=latest.bytes,
                )
            )
        for repository, row in zip(job.destinations, rows, strict=True):
            if not row.failed:
                publish(repository, job.run_id)
        for repository, version in zip(job.destinations, made, strict=True):
            if version is not None:
                version_created(repository, version)
                digest = catalog.exports.manifest_digest(version.address, version.number)
                materialized(job.source, repository, version, digest)
        result = SyncResult(
            job.run_id,
            plan.plan_id if plan is not None else None,
            job.source.label,
            source_version,
            tuple(rows),
            failures,
            batches=plan.batches if plan is not None else 0,
            seconds=time.monotonic() - self._began_s,
            same_as=same_as,
            drops=drops,
            untold=self._untold,
            gaps=self.gaps.open,
            allowed_gaps=self.gaps.allowed,
        )
        state = "failed" if result.failures or result.gaps else "completed"
        self.end(state, result.summary(), plan_id=result.plan_id)
        show_result(result, self._course.points)
        report_breaches(catalog, job, drops)
        get_run_logger().info("%s", result.summary())
        return result
