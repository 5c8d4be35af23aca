"""A run in progress: lock destinations, deliver batches, record versions, report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

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
from flows.results.assets import emit_materialization
from flows.results.contract_breaches import report_breaches
from flows.results.events import emit_version_created
from flows.results.sync import DestinationResult, Failure, SyncResult, failures_of
from flows.runs.listing_gaps import Gaps, collect_gaps, report_gaps
from orchestration.run import flow_run_id, run_logger
from orchestration.task import Future, submit_each, wait_for
from tasks.batch.deliver import deliver as deliver_batch
from tasks.batch.record import BatchReport
from tasks.concurrency_limit import ensure_limits
from tasks.job import Job, forget_run, run_resources
from tasks.publish import publish
from transfer.batch.delivery import TransferOptions
from transfer.steps.sequence import StepChange
from transfer.steps.validate import Check
from transfer.workers.memory_tuning import relaxed_collector, return_freed_memory
from transfer.workers.progress import ProgressHistory, Snapshot

MAX_FAILURES = 1000  # in a result; the catalog has all of them


class ActiveRun:
    """One run, from its start to its end as recorded in the catalog."""

    def __init__(
        self,
        kind: str,
        source: Repository,
        destinations: tuple[Repository, ...],
        *,
        writes: tuple[Repository, ...] | None = None,
        webhook: Webhook | None = None,
    ) -> None:
        """Prepare a run with a new id.

        `writes` are the repositories to lock, by default all destinations; `webhook` is called with
        the files that each batch stored.
        """
        self.kind = kind
        self._writes = destinations if writes is None else writes
        self._ended = False
        self._webhook_failures: tuple[str, ...] = ()
        self._clean_up_failures: tuple[Failure, ...] = ()
        self.gaps = Gaps()
        self.job = Job(uuid4().hex, source, destinations, webhook=webhook)
        self._started_s = time.monotonic()
        self._stack = ExitStack()
        self._progress = ProgressHistory()

    @property
    def catalog(self) -> Catalog:
        """Return the run's catalog."""
        return run_resources(self.job.run_id).catalog

    def __enter__(self) -> Self:
        """Wait for the destinations' locks, then record the run's start."""
        folder = self.catalog.folder / "turns"
        addresses = [repository.address for repository in self._writes]
        with ExitStack() as stack:
            stack.enter_context(
                destination_locks(folder, addresses, run_resources(self.job.run_id).stop.check)
            )
            stack.enter_context(relaxed_collector())
            return_freed_memory()
            self.catalog.runs.start(
                Run(
                    self.job.run_id,
                    self.kind,
                    source=self.job.source.address,
                    destinations=tuple(end.address for end in self.job.destinations),
                    started_at=datetime.now(UTC),
                    flow_run_id=flow_run_id(),
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        """Record how an interrupted run ended, if `end` was not called."""
        if error is not None and not self._ended:
            stopped = isinstance(error, Cancelled) or not isinstance(error, Exception)
            state = "cancelled" if stopped else "failed"
            self.end(state, str(error) or type(error).__name__)
        forget_run(self.job.run_id)
        self._stack.close()

    def end(self, state: str, message: str, *, plan_id: str | None = None) -> None:
        """Record how the run ended."""
        self._ended = True
        self.catalog.runs.end(self.job.run_id, state, message, plan_id=plan_id)

    def find_gaps(self, options: Options) -> Gaps:
        """Return and report what the run's listings, once made, could not see."""
        self.gaps = collect_gaps(self.catalog, self.job.run_id, options)
        report_gaps(self.job, self.gaps)
        return self.gaps

    def configure(
        self,
        options: TransferOptions,
        checks: tuple[Check, ...] = (),
        steps: tuple[StepChange, ...] = (),
    ) -> None:
        """Set how files are moved; call it before `deliver`."""
        self.job = replace(self.job, options=options, checks=checks, steps=steps)

    def deliver(self, plan: Plan) -> list[BatchReport]:
        """Deliver every batch of the plan; a request to stop reaches every thread."""
        self.job = replace(self.job, plan_id=plan.plan_id)
        batches = self.catalog.plans.batches(plan.plan_id)
        if not batches:
            return []
        ensure_limits((self.job.source, *self.job.destinations))
        resources = run_resources(self.job.run_id)
        resources.progress.expect(
            max((tally.add + tally.replace + tally.remove for tally in plan.tallies), default=0),
            max((tally.bytes for tally in plan.tallies), default=0),
        )
        artifact = ProgressArtifact(self._sample_progress())
        futures: list[Future[BatchReport]] = []
        try:
            # Batches that make room for others go first. A plan may copy from files that it
            # removes, so the other removals go last.
            for clears, removals in ((True, False), (False, False), (False, True)):
                numbers = [
                    batch.number
                    for batch in batches
                    if batch.clears is clears and batch.removals is removals
                ]
                futures += submit_each(deliver_batch, numbers, job=self.job)
                while not wait_for(futures, timeout_s=1.0):
                    artifact.update(self._sample_progress())
        except BaseException:
            resources.stop.set()
            wait_for(futures)
            raise
        artifact.update(self._sample_progress(), last=True)
        reports = [future.result() for future in futures]
        self._webhook_failures = tuple(
            report.webhook_error for report in reports if report.webhook_error
        )
        self._clean_up_failures = tuple(
            Failure(path, self.job.source.address, "clean-up", f"not removed: {why}")
            for report in reports
            for path, why in report.uncleaned
        )
        return reports

    def _sample_progress(self) -> Snapshot:
        snapshot = run_resources(self.job.run_id).progress.snapshot()
        self._progress.add(snapshot)
        return snapshot

    def finish(
        self,
        plan: Plan | None,
        source_version: int | None,
        *,
        allow_partial: bool,
        unchanged_since: str | None = None,
    ) -> SyncResult:
        """Record the destinations' versions, end the run, and return what it did.

        `unchanged_since` is the last run, if this one was skipped because nothing changed.
        """
        catalog, job = self.catalog, self.job
        created: tuple[Version | None, ...] = (None,) * len(job.destinations)
        failures: tuple[Failure, ...] = ()
        drops: tuple[Failure, ...] = ()
        if plan is not None:
            created = catalog.versions.record(job.run_id, plan.plan_id, allow_partial=allow_partial)
            failed = failures_of(catalog.runs.outcomes(job.run_id, Status.FAILED, MAX_FAILURES))
            failures = (*failed, *self._clean_up_failures)
            drops = failures_of(catalog.runs.outcomes(job.run_id, Status.DROPPED, MAX_FAILURES))
        tallies = (
            {tally.address: tally for tally in catalog.runs.tallies(job.run_id)}
            if plan is not None
            else {}
        )
        rows: list[DestinationResult] = []
        for repository, version in zip(job.destinations, created, strict=True):
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
                    new_version=version is not None,
                    files=latest.total,
                    size=latest.bytes,
                )
            )
        for repository, row in zip(job.destinations, rows, strict=True):
            if not row.failed:
                publish(repository, job.run_id)
        for repository, version in zip(job.destinations, created, strict=True):
            if version is not None:
                emit_version_created(repository, version)
                digest = catalog.exports.manifest_digest(version.address, version.number)
                emit_materialization(job.source, repository, version, digest)
        result = SyncResult(
            job.run_id,
            plan.plan_id if plan is not None else None,
            job.source.label,
            source_version,
            tuple(rows),
            failures,
            batches=plan.batches if plan is not None else 0,
            seconds=time.monotonic() - self._started_s,
            unchanged_since=unchanged_since,
            drops=drops,
            webhook_failures=self._webhook_failures,
            gaps=self.gaps.open,
            allowed_gaps=self.gaps.allowed,
        )
        state = "failed" if result.failures or result.gaps else "completed"
        self.end(state, result.summary(), plan_id=result.plan_id)
        show_result(result, self._progress.points)
        report_breaches(catalog, job, drops)
        run_logger().info("%s", result.summary())
        return result
