"""The context of a run for its tasks: picklable values, opened where they arrive."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial

from blocks.repository import Layout, Repository
from blocks.reserved_folders import markers_folder, opened_at
from blocks.resolve import repository as resolved
from blocks.webhook import Webhook
from catalog.catalog import Catalog
from catalog.settings import Settings
from providers.base import Source, Storage
from providers.connection_cache import STORAGES
from providers.interfaces.history import HISTORY
from providers.layouts.content import ContentLayout
from providers.layouts.listing_index import RecordedHoldings
from providers.layouts.manifest_source import ManifestSource
from providers.layouts.number_allocator import NumberAllocator
from providers.layouts.versioned import VersionedLayout
from transfer.batch.delivery import Delivery, KeptParts, TransferOptions
from transfer.batch.endpoints import Endpoint, MarkerArea, StorageRef
from transfer.batch.mirrors import Mirror, Mirrors
from transfer.steps.quarantine import QUARANTINE
from transfer.steps.sequence import StepChange
from transfer.steps.validate import Check
from transfer.workers.limits import MemoryBudget, limiter_for
from transfer.workers.progress import Progress
from transfer.workers.stop import StopFlag


@dataclass(frozen=True)
class Job:
    """One run from a source to its destinations; `plan_id` is set once there is a plan."""

    run_id: str
    source: Repository
    destinations: tuple[Repository, ...]
    options: TransferOptions = field(default_factory=TransferOptions)
    checks: tuple[Check, ...] = ()
    steps: tuple[StepChange, ...] = ()
    plan_id: str = ""
    places: tuple[Repository, ...] = ()  # further repositories to read from
    same_paths: frozenset[str] = frozenset()  # addresses of those that the user named
    webhook: Webhook | None = None  # announces what each batch stored

    def __repr__(self) -> str:
        """Name the run and its ends."""
        ends = ", ".join(destination.label for destination in self.destinations)
        return f"<Job {self.run_id}: {self.source.label} to {ends}>"


class RunResources:
    """What the batches of one run share in one process."""

    def __init__(self, settings: Settings) -> None:
        """Begin with zero progress."""
        self.stop = _stop.get() or StopFlag()
        self.progress = Progress()
        self.budget = MemoryBudget(settings.memory)
        self.catalog = Catalog.open(settings)
        self.kept_parts = KeptParts(self.catalog.folder / "parts", settings.resume_from)
        self._numbers: dict[str, NumberAllocator] = {}
        self._lock = threading.Lock()

    def number_allocator(self, address: str) -> NumberAllocator:
        """Return the allocator of file numbers at a destination."""
        with self._lock:
            return self._numbers.setdefault(address, NumberAllocator())


@contextmanager
def stopped_by(flag: StopFlag) -> Generator[None]:
    """Let the caller's flag stop the runs that begin in the block."""
    before = _stop.set(flag)
    try:
        yield
    finally:
        _stop.reset(before)


_stop: ContextVar[StopFlag | None] = ContextVar("stop", default=None)
_shared: dict[str, RunResources] = {}
_lock = threading.Lock()


def run_resources(run_id: str) -> RunResources:
    """Return what the batches of a run share in this process."""
    with _lock:
        resources = _shared.get(run_id)
        if resources is None:
            resources = _shared[run_id] = RunResources(Settings())
        return resources


def active_runs() -> list[RunResources]:
    """Return the resources of each run in this process, the oldest first."""
    with _lock:
        return list(_shared.values())


def forget_run(run_id: str) -> None:
    """Release the resources of a run that has ended."""
    with _lock:
        _shared.pop(run_id, None)


@contextmanager
def open_source(
    repository: Repository, holder: RecordedHoldings | None = None
) -> Generator[Endpoint[Source]]:
    """Open a repository for reading; one with a manifest is listed by that.

    With the layout `content` or `versioned` it is listed by `holder`, else by what is published.
    """
    with STORAGES.open(opened_at(repository), repository.open_options()) as storage:
        source: Source = storage
        if repository.manifest:
            source = ManifestSource(storage, repository.manifest)
        elif repository.layout is Layout.CONTENT:
            source = ContentLayout(storage, holder)
        elif repository.layout is Layout.VERSIONED:
            source = VersionedLayout(storage, holder)
        yield Endpoint(
            repository.address,
            source,
            limiter_for(repository.address, repository.process_limits()),
            repository.retry_policy(),
        )


@contextmanager
def open_destination(
    repository: Repository, numbers: NumberAllocator | None = None
) -> Generator[Endpoint[Storage]]:
    """Open a repository for writing; `numbers` is the shared allocator of its layout."""
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        laid: Storage = storage
        if repository.layout is Layout.CONTENT:
            laid = ContentLayout(storage)
        elif repository.layout is Layout.VERSIONED:
            laid = VersionedLayout(storage, numbers=numbers)
        yield Endpoint(
            repository.address,
            laid,
            limiter_for(repository.address, repository.process_limits()),
            repository.retry_policy(),
            history_area(repository),
            holding_area(repository),
            marker_area(repository),
        )


def history_area(repository: Repository) -> StorageRef | None:
    """Return where a destination keeps replaced and removed files; None if it does not."""
    return holding_area(repository) if repository.history.keep else None


def holding_area(repository: Repository) -> StorageRef | None:
    """Return where a destination can put files aside; None unless its layout is `path`."""
    if repository.layout is not Layout.PATH:
        return None
    settings = repository.settings.below(HISTORY)
    return StorageRef(
        settings.address(), partial(STORAGES.open, settings, repository.open_options())
    )


def marker_area(repository: Repository) -> MarkerArea | None:
    """Return where a destination has its markers; None unless its layout is `path`."""
    if repository.layout is not Layout.PATH:
        return None
    inside = repository.markers if not repository.markers.startswith("/") else ""
    settings = repository.settings if inside else markers_folder(repository).settings
    return MarkerArea(inside, partial(STORAGES.open, settings, repository.open_options()))


@contextmanager
def open_delivery(job: Job) -> Generator[Delivery]:
    """Open all repositories of a job, with the stop flag, counters and budget of its run."""
    common = run_resources(job.run_id)
    with ExitStack() as stack:
        source = stack.enter_context(open_source(job.source))
        ends = tuple(
            stack.enter_context(
                open_destination(destination, common.number_allocator(destination.address))
            )
            for destination in job.destinations
        )
        places = tuple(stack.enter_context(open_source(repository)) for repository in job.places)
        mirrors = stack.enter_context(Mirrors([_mirror(name) for name in job.source.mirrors]))
        yield Delivery(
            source,
            ends,
            job.options,
            common.stop,
            common.progress,
            common.budget,
            job.run_id,
            places,
            same_paths=job.same_paths,
            mirrors=mirrors,
            kept_parts=common.kept_parts,
            quarantine_areas={
                contract.quarantine: _contract_quarantine(job, contract.quarantine)
                for contract in job.options.contracts
            },
        )


def _contract_quarantine(job: Job, name: str) -> StorageRef:
    """Return where files that break a contract go: a repository, or the first destination."""
    repository = resolved(name) if name else job.destinations[0]
    settings = repository.settings if name else repository.settings.below(QUARANTINE)
    return StorageRef(
        settings.address(), partial(STORAGES.open, settings, repository.open_options())
    )


def _mirror(name: str) -> Mirror:
    """Return a mirror, by its block's name or its address."""
    found = resolved(name)
    return Mirror(found.address, partial(open_source, found))
