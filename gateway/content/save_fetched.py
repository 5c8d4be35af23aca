"""Stores files fetched on demand in their repository, and records them in the catalog.

The engine writes them, so that history, layouts and proofs are as in a sync. This needs the
repository's destination lock; while a run holds it, files are served from the buffer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from blocks.repository import Repository
from catalog.catalog import Catalog
from catalog.errors import CatalogError, ResourceNotFound
from catalog.model.fingerprint import Fingerprint
from catalog.model.outcome import Status
from catalog.model.plan import Action, PlanItem
from catalog.model.run import Run
from catalog.model.version import ContentRow, Location, Origin
from catalog.store.destination_locks import TooManyWaiting, destination_locks
from gateway.content.fetch import Fetch
from providers.base import OpenOptions, Storage
from providers.fsspec.memory import MemorySettings
from providers.layouts.number_allocator import NumberAllocator
from tasks.job import open_destination
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.batch.staging import Staging
from transfer.steps.upload import upload
from transfer.workers.limits import Limits, limiter_for
from transfer.workers.stop import StopFlag

LOG = logging.getLogger("entrepot.gateway")
PAUSE_S = 0.5  # between two rounds, to record several files together
LAST_S = 20.0  # for the waiting files when the gateway shuts down
NOWHERE = "memory://gateway"
"""The source passed to the engine, which reads nothing from it."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A verified file to store in a repository; `origin` is None for an unlisted path."""

    catalog: Catalog
    repository: Repository
    path: str
    row: ContentRow | None
    origin: Origin | None
    fetch: Fetch
    done: Callable[[], object]


class _BusyError(Exception):
    """A run holds the repository's destination lock."""


class FetchedFileSaver:
    """Stores files in the background, grouped by repository."""

    def __init__(self, stop: StopFlag) -> None:
        """Start with no files."""
        self._stop = stop
        self._waiting: list[FetchedFile] = []
        self._lock = threading.Lock()
        self._wakeup = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def add(self, arrival: FetchedFile) -> None:
        """Store a file soon."""
        with self._lock:
            self._waiting.append(arrival)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
                self._thread.start()
        self._wakeup.set()

    def close(self) -> None:
        """Store the waiting files, if possible in time; the others will be fetched again."""
        self._ending = True
        self._wakeup.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def is_idle(self) -> bool:
        """Return whether no file waits."""
        with self._lock:
            return not self._waiting

    def _run(self) -> None:
        while not self._ending:
            self._wakeup.wait()
            self._wakeup.clear()
            self._save_waiting()
            if not self.is_idle():
                self._wakeup.set()  # a run holds the lock
            time.sleep(PAUSE_S)
        self._save_waiting()

    def _save_waiting(self) -> None:
        with self._lock:
            every = list(self._waiting)
        groups: dict[tuple[int, str], list[FetchedFile]] = defaultdict(list)
        for one in every:
            groups[id(one.catalog), one.repository.address].append(one)
        for same in groups.values():
            try:
                self._save(same)
            except _BusyError:
                continue
            except CatalogError as error:
                LOG.warning("%s fetched files were not stored: %s", f"{len(same):,}", error)
            with self._lock:
                for one in same:
                    self._waiting.remove(one)
            for one in same:
                one.done()

    def _save(self, same: Sequence[FetchedFile]) -> None:
        catalog, repository = same[0].catalog, same[0].repository
        with _destination_lock(catalog, repository):
            wanted = [one for one in same if _is_wanted(one)]
            if wanted:
                save_fetched(catalog, repository, wanted, self._stop)


def save_fetched(
    catalog: Catalog, repository: Repository, arrivals: Sequence[FetchedFile], stop: StopFlag
) -> None:
    """Store files in their repository, whose lock is held, and record them as one run."""
    run_id = uuid4().hex
    origin = arrivals[0].origin
    catalog.runs.start(
        Run(
            run_id,
            "keep",
            source=None if origin is None else origin.origin,
            destinations=(repository.address,),
            started_at=datetime.now(UTC),
        )
    )
    with open_destination(repository, NumberAllocator()) as end, _empty_source() as source:
        delivery = Delivery(source, (end,), stop=stop, run_id=run_id)
        staging = Staging(delivery, [_item(arrival, end) for arrival in arrivals])
        try:
            for piece, one in zip(staging.transfers, arrivals, strict=True):
                piece.file = one.fetch.buffer.path
                piece.digest, piece.size = one.fetch.sha256, one.fetch.released
                piece.digest_declared = bool(one.fetch.known.digests)
                piece.resource = one.fetch.resource
                piece.attempts = 1
            upload(staging)
            outcomes = staging.outcomes() + staging.history_outcomes()
        finally:
            staging.release()
    catalog.runs.record_outcomes(run_id, "", outcomes)
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    state = "failed" if failed else "completed"
    message = f"{len(arrivals) - len(failed):,} files stored, {len(failed):,} failed"
    catalog.runs.end(run_id, state, message)


def _is_wanted(file: FetchedFile) -> bool:
    """Return whether the repository still needs this file."""
    if file.origin is not None:
        return file.catalog.origins.get(file.repository.address, file.path) == file.origin
    return file.catalog.holdings.location(file.repository.address, file.path) is None


def _item(file: FetchedFile, end: Endpoint[Storage]) -> PlanItem:
    row, fetch = file.row, file.fetch
    stood = file.catalog.holdings.location(file.repository.address, file.path)
    try:
        end.storage.stat(file.path)
        action = Action.REPLACE
    except ResourceNotFound:
        action = Action.ADD
    resource = fetch.resource
    return PlanItem(
        origin=fetch.origin.path if fetch.origin is not None else file.path,
        path=file.path,
        size=fetch.released,
        etag=None if resource is None else resource.etag,
        modified_us=None if resource is None else resource.modified_us,
        digests=(f"sha256:{fetch.sha256}",),
        content_type=_content_type(row, fetch),
        properties=None if row is None else row.properties,
        destinations=(0,),
        actions=(action,),
        previous=(None if stood is None else _fingerprint(stood),),
    )


def _content_type(row: ContentRow | None, fetch: Fetch) -> str | None:
    if row is not None and row.content_type is not None:
        return row.content_type
    return None if fetch.resource is None else fetch.resource.content_type


def _fingerprint(location: Location) -> Fingerprint:
    return Fingerprint(location.digest, location.size, location.etag, location.modified_us)


@contextmanager
def _empty_source() -> Generator[Endpoint[Storage]]:
    settings = MemorySettings.from_url(NOWHERE)
    storage = settings.open(OpenOptions())
    try:
        yield Endpoint(NOWHERE, storage, limiter_for(NOWHERE, Limits()))
    finally:
        storage.close()


@contextmanager
def _destination_lock(catalog: Catalog, repository: Repository) -> Generator[None]:
    def busy() -> None:
        raise _BusyError

    folder = catalog.folder / "turns"
    try:
        with destination_locks(folder, [repository.address], busy):
            yield
    except TooManyWaiting as error:
        raise _BusyError from error
