"""Opens one catalog file: readers apply queued orders first, writers may wait for a result.

Any number of processes and threads may share the file. All writes go through the durable inbox; the
file is open only while the catalog lock is held.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import Self, cast

from duckdb import DuckDBPyConnection

from catalog.errors import CatalogBroken, CatalogUnavailable
from catalog.inbox.queue import FOLDERS, Inbox
from catalog.inbox.refusals import raise_if_refused
from catalog.orders.apply import OrderApplier
from catalog.orders.single_flight import SingleFlight
from catalog.orders.transaction import Result
from catalog.store.database import Database, Reuse
from catalog.store.disk_errors import CatalogFull, CatalogReadOnly, reporting_disk_errors
from catalog.store.keys import repository_key
from catalog.store.lock import CatalogLock, Hold
from catalog.store.migrate import MigrationPendingError
from catalog.store.parquet import temporary_path
from catalog.store.query_budget import QueryAuthor, within_budget
from catalog.store.shared_connection import SharedConnection

MAX_BACKLOG = 100  # queued orders, above which a submitter helps to apply them
RACY_NS = 20_000_000  # 20 ms; file times have a resolution of 1 to 10 ms


def data_folder_of(path: Path) -> Path:
    """Return the data folder beside a catalog's file."""
    return path.with_name(f"{path.name}.d")


class CatalogFile:
    """A catalog's file and data folder: opens connections and submits orders."""

    __slots__ = (
        "_database",
        "_inbox",
        "_lock",
        "_shared",
        "_single_flight",
        "_timeout_s",
        "folder",
        "path",
        "tenant",
    )

    def __init__(
        self,
        path: Path,
        *,
        tenant: str,
        timeout_s: float,
        threads: int,
        memory: str,
    ) -> None:
        """Use the catalog at `path`; it is created on first use."""
        self.path = path.absolute()
        self.tenant = tenant
        self._timeout_s = timeout_s
        beside = data_folder_of(self.path)
        for name in FOLDERS:
            with reporting_disk_errors():
                (beside / name).mkdir(parents=True, exist_ok=True)
        self.folder = beside
        self._inbox = Inbox(beside, tenant)
        self._lock = CatalogLock(beside, timeout_s)
        self._database = Database(self.path, beside / "tmp", threads=threads, memory=memory)
        self._shared: SharedConnection | None = None
        self._single_flight = SingleFlight()

    def keep_open(self) -> None:
        """Keep the catalog open between queries until another process waits for it."""
        self._shared = SharedConnection(self._attach, self._lock.has_waiters)

    def pin(self) -> None:
        """Create the catalog if it is missing, and accept no other file from now on.

        Raises:
            CatalogUnavailable: it cannot be read. Later: it is missing, empty, or was replaced.
        """
        with self.connect_flushed(Reuse.NOTHING) as connection:
            self._database.pin.pin(connection)

    def check_available(self) -> None:
        """Check that the pinned catalog is still there.

        Raises:
            CatalogUnavailable: its file or its data folder is missing.
        """
        pin = self._database.pin
        if not pin.is_pinned:
            return
        if pin.was_replaced() and self._shared is not None:
            self._shared.revoke()  # the open file was replaced: open the new one
        if not (self.folder / "inbox").is_dir():
            raise CatalogUnavailable(f"the catalog's folder {str(self.folder)!r} is missing")

    def for_tenant(self, tenant: str) -> Self:
        """Return the same catalog for another tenant; open connections are shared."""
        other = copy(self)
        other._switch_tenant(tenant)  # noqa: SLF001 - our own
        return other

    def _switch_tenant(self, tenant: str) -> None:
        self.tenant = tenant
        self._inbox = Inbox(self.folder, tenant)

    def flush(self, timeout_s: float | None = None) -> None:
        """Apply all queued orders."""
        lock = self._lock
        if timeout_s is not None:
            lock = CatalogLock(self.folder, timeout_s)
        # Not only up to the newest: an order with an older name may be queued after a newer one.
        batches = self._inbox.pending_batches()
        if batches:
            self._apply_pending(batches, lock)

    @contextmanager
    def quiesced(self) -> Generator[Path]:
        """Apply queued orders, then yield the file, unchanged by anybody while the block lasts.

        New orders are queued meanwhile; reads go on.
        """
        self.flush()
        if not self._database.exists():
            with self.connect(Reuse.NOTHING):
                pass  # opening creates it
        with self._lock.hold(Hold.SHARED):
            yield self.path

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Lock the file while the block lasts; new orders are queued meanwhile."""
        if self._shared is not None:
            self._shared.revoke()
        with self._lock.hold(Hold.ALONE):
            yield

    def generation(self) -> tuple[int, ...]:
        """Return a value that changes whenever anything may have been recorded; costs two `stat`.

        Use it as a cache key, and read it before the query. It covers the file and the inbox. Two
        changes in one tick of the clock look like one, so within 20 ms of a change every value is
        unique.
        """
        facts: list[int] = []
        newest = 0
        for path in (self.path, self.folder / "inbox"):
            try:
                status = path.stat()
            except FileNotFoundError:
                facts += (0, 0, 0)
                continue
            newest = max(newest, status.st_mtime_ns)
            facts += (status.st_mtime_ns, status.st_size, status.st_ino)
        now = time.time_ns()
        return (*facts, now if abs(now - newest) < RACY_NS else 0)

    def key(self, address: str) -> str:
        """Return the key of a repository of this tenant."""
        return repository_key(self.tenant, address)

    @contextmanager
    def connect_flushed(
        self, reuse: Reuse = Reuse.ENGINE, author: QueryAuthor = QueryAuthor.OURS
    ) -> Generator[DuckDBPyConnection]:
        """Open the catalog for reading, after applying queued orders: a process sees its own."""
        self.check_available()
        with suppress(CatalogFull, CatalogReadOnly):  # the orders stay queued
            self.flush()
        with self._connect(reuse, author) as connection:
            yield connection

    @contextmanager
    def _connect(self, reuse: Reuse, author: QueryAuthor) -> Generator[DuckDBPyConnection]:
        if self._shared is not None and reuse is Reuse.ENGINE:
            shared = self._shared
            watched = partial(
                within_budget, author=author, wanted=shared.is_wanted, tenant=self.tenant
            )
            with shared.cursor() as connection, watched(connection):
                yield connection
        else:
            with self.connect(reuse, author) as connection:
                yield connection

    @contextmanager
    def connect(
        self, reuse: Reuse = Reuse.ENGINE, author: QueryAuthor = QueryAuthor.OURS
    ) -> Generator[DuckDBPyConnection]:
        """Open the catalog without applying orders: enough for immutable rows, such as a plan's."""
        wanted = self._lock.has_waiters
        watched = partial(within_budget, author=author, wanted=wanted, tenant=self.tenant)
        with self._attach(reuse) as connection, watched(connection):
            yield connection

    @contextmanager
    def _attach(self, reuse: Reuse = Reuse.ENGINE) -> Generator[DuckDBPyConnection]:
        if not self._database.exists() and not self._database.pin.is_pinned:
            with self._lock.hold(Hold.ALONE, unless=self._database.exists) as held:
                if held:
                    with self._database.writable():
                        pass  # opening creates it
        with ExitStack() as stack:
            stack.enter_context(self._lock.hold(Hold.SHARED))
            try:
                connection = stack.enter_context(self._database.readable(reuse))
            except MigrationPendingError:
                stack.close()  # the file of an older program lacks tables and columns
                with self._lock.hold(Hold.ALONE), self._database.writable():
                    pass
                stack.enter_context(self._lock.hold(Hold.SHARED))
                connection = stack.enter_context(self._database.readable(reuse))
            yield connection

    def _apply_pending(self, batches: Collection[str], lock: CatalogLock) -> None:
        # Only up to these, so that nobody waits for later orders.
        with self._single_flight.exclusive(lock.timeout_s):
            if not self._inbox.is_any_pending(batches):
                return
            if self._shared is not None:
                self._shared.revoke()
            with lock.hold(
                Hold.ALONE, unless=lambda: not self._inbox.is_any_pending(batches)
            ) as held:
                if held:
                    applier = OrderApplier(self._database, self._inbox, self.folder / "spool")
                    self._single_flight.store_results(applier.apply_pending(max(batches)))

    def submit(self, kind: str, body: Mapping[str, object]) -> str:
        """Submit an order without waiting for a result; it is durable when this returns."""
        return self._inbox.submit(kind, body)

    def submit_file(self, name: str, write: Callable[[Path], object]) -> str:
        """Submit an order that is a file, which `write` fills."""
        return self._inbox.submit_file(name, write)

    def apply_backlog(self, batch: str) -> None:
        """Apply orders up to a batch if so many are queued that others cannot keep up."""
        if self._inbox.count_pending() > MAX_BACKLOG:
            self._apply_pending([batch], self._lock)

    def rejected_orders(self) -> dict[str, str]:
        """Return why each quarantined order was rejected, by batch."""
        return self._inbox.rejections()

    def temporary_file(self, what: str) -> Path:
        """Return the path of a new temporary file for exported rows."""
        return temporary_path(self.folder / "tmp", what)

    def submit_and_wait(self, kind: str, body: Mapping[str, object]) -> Result:
        """Submit an order and wait for its result; a refusal is raised."""
        self.check_available()  # else the order would be applied much later, unexpectedly
        batch = self._inbox.submit(kind, body)
        with self._single_flight.awaiting(batch):
            try:
                self._apply_pending([batch], self._lock)
            except CatalogFull:
                if self._withdraw(batch):
                    raise  # else it was applied after all, before the disk was full or by others
            result = self._single_flight.result(batch)
        if result is None:
            result = self._read_result(batch)
        raise_if_refused(result)
        return result

    def _withdraw(self, batch: str) -> bool:
        """Remove an order that could not be applied, so that the caller can report it."""
        with self._lock.hold(Hold.ALONE):
            return self._inbox.withdraw(batch)

    def _read_result(self, batch: str) -> Result:
        # Another process applied the order, or rejected it.
        why = self._inbox.rejection(batch)
        if why is not None:
            raise CatalogBroken(f"the catalog rejected an order: {why}")
        with self.connect() as connection:
            query = "SELECT result FROM ingested WHERE batch = ?"
            row = connection.execute(query, [batch]).fetchone()
        if row is None:
            raise CatalogBroken(f"the result of order {batch!r} is missing from the catalog")
        return cast("Result", json.loads(row[0]))
