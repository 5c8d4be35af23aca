"""Opens one catalog file: whoever reads folds what waits first, whoever asks waits for an answer.

Any number of processes and threads may share the file. What is written goes through the durable
inbox; the file is open only while the turnstile is held.
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
from catalog.orders.transaction import Result
from catalog.session.apply_orders import OrderApplier
from catalog.session.single_flight import SingleFlight
from catalog.store.database import Database, Reuse
from catalog.store.disk_errors import CatalogFull, CatalogReadOnly, reporting_disk_errors
from catalog.store.keys import repository_key
from catalog.store.lease import Lease
from catalog.store.lock import CatalogLock, Hold
from catalog.store.migrate import MigrationPendingError
from catalog.store.parquet import temporary_path
from catalog.store.query_budget import QueryAuthor, within_budget

MAX_BACKLOG = 100  # orders that may wait before whoever adds one more helps to apply them
RACY_NS = 20_000_000  # 20 ms; the kernel's clock for files ticks every 1 to 10 ms


def data_folder_of(path: Path) -> Path:
    """Return the folder beside a catalog's file, for all that goes with it."""
    return path.with_name(f"{path.name}.d")


class CatalogFile:
    """A catalog's file and folder as its parts use them: opened to read, orders handed over."""

    __slots__ = (
        "_database",
        "_inbox",
        "_lease",
        "_lock",
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
        """Use the catalog at `path`, made when first needed."""
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
        self._lease: Lease | None = None
        self._single_flight = SingleFlight()

    def keep_open(self) -> None:
        """Keep the catalog open between questions as long as nobody else waits for it."""
        self._lease = Lease(self._attach, self._lock.has_waiters)

    def pin(self) -> None:
        """Make the catalog where there is none; from now on no other will do, and none is made.

        Raises:
            CatalogUnavailable: it cannot be read. Later: it is gone, empty, or another one.
        """
        with self.reading(Reuse.NOTHING) as connection:
            self._database.pin.pin(connection)

    def check_available(self) -> None:
        """Refuse to go on without the catalog that was settled on.

        Raises:
            CatalogUnavailable: its file, or the folder beside it, is not there now.
        """
        pin = self._database.pin
        if not pin.is_pinned:
            return
        if pin.was_replaced() and self._lease is not None:
            self._lease.revoke()  # what is open bears the name no more: look at what does
        if not (self.folder / "inbox").is_dir():
            raise CatalogUnavailable(f"the folder {str(self.folder)!r} is not there")

    def for_tenant(self, tenant: str) -> Self:
        """Return the same catalog for another tenant; what is open is shared."""
        other = copy(self)
        other._switch_tenant(tenant)  # noqa: SLF001 - our own
        return other

    def _switch_tenant(self, tenant: str) -> None:
        self.tenant = tenant
        self._inbox = Inbox(self.folder, tenant)

    def flush(self, timeout_s: float | None = None) -> None:
        """Fold all that waits."""
        turnstile = self._lock
        if timeout_s is not None:
            turnstile = CatalogLock(self.folder, timeout_s)
        # All that waits, not the newest alone: who folded that may have looked a moment too early
        # to see one that was begun before it and handed over after.
        batches = self._inbox.pending_batches()
        if batches:
            self._apply_pending(batches, turnstile)

    @contextmanager
    def quiesced(self) -> Generator[Path]:
        """Fold what waits, and let nobody fold anything while the block lasts; yield the file.

        Orders are taken meanwhile, and wait; readers go on.
        """
        self.flush()
        if not self._database.exists():
            with self.opened(Reuse.NOTHING):
                pass  # it is made by being opened
        with self._lock.hold(Hold.SHARED):
            yield self.path

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Let nobody open the file while the block lasts; orders are taken meanwhile, and wait."""
        if self._lease is not None:
            self._lease.revoke()
        with self._lock.hold(Hold.ALONE):
            yield

    def generation(self) -> tuple[int, ...]:
        """Return what differs whenever anything may have been recorded since; two calls of `stat`.

        Cache answers by it, and take it before you ask: what the catalog tells of is its file and
        what waits in the inbox. Two changes in one tick of the clock show as one, so that for a
        moment after a change (20 ms) no value is equal to any other.
        """
        found: list[int] = []
        newest = 0
        for path in (self.path, self.folder / "inbox"):
            try:
                status = path.stat()
            except FileNotFoundError:
                found += (0, 0, 0)
                continue
            newest = max(newest, status.st_mtime_ns)
            found += (status.st_mtime_ns, status.st_size, status.st_ino)
        now = time.time_ns()
        return (*found, now if abs(now - newest) < RACY_NS else 0)

    def key(self, address: str) -> str:
        """Return the key of a repository of this tenant."""
        return repository_key(self.tenant, address)

    @contextmanager
    def reading(
        self, reuse: Reuse = Reuse.ENGINE, author: QueryAuthor = QueryAuthor.OURS
    ) -> Generator[DuckDBPyConnection]:
        """Open the catalog to read it, what waits applied: a process sees all it handed over."""
        self.check_available()
        with suppress(CatalogFull, CatalogReadOnly):  # what waits goes on waiting
            self.flush()
        with self._connect(reuse, author) as connection:
            yield connection

    @contextmanager
    def _connect(self, reuse: Reuse, author: QueryAuthor) -> Generator[DuckDBPyConnection]:
        if self._lease is not None and reuse is Reuse.ENGINE:
            lease = self._lease
            watched = partial(
                within_budget, author=author, wanted=lease.is_wanted, tenant=self.tenant
            )
            with lease.cursor() as connection, watched(connection):
                yield connection
        else:
            with self.opened(reuse, author) as connection:
                yield connection

    @contextmanager
    def opened(
        self, reuse: Reuse = Reuse.ENGINE, author: QueryAuthor = QueryAuthor.OURS
    ) -> Generator[DuckDBPyConnection]:
        """Open the catalog as it is, which is enough for what never changes, such as a plan."""
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
                        pass  # it is made by being opened
        with ExitStack() as stack:
            stack.enter_context(self._lock.hold(Hold.SHARED))
            try:
                connection = stack.enter_context(self._database.readable(reuse))
            except MigrationPendingError:
                stack.close()  # reading what an older program left would miss tables and columns
                with self._lock.hold(Hold.ALONE), self._database.writable():
                    pass
                stack.enter_context(self._lock.hold(Hold.SHARED))
                connection = stack.enter_context(self._database.readable(reuse))
            yield connection

    def _apply_pending(self, batches: Collection[str], lock: CatalogLock) -> None:
        # No further than these, so that nobody waits for the orders of those who came later.
        with self._single_flight.exclusive(lock.timeout_s):
            if not self._inbox.is_any_pending(batches):
                return
            if self._lease is not None:
                self._lease.revoke()
            with lock.hold(
                Hold.ALONE, unless=lambda: not self._inbox.is_any_pending(batches)
            ) as held:
                if held:
                    folder = OrderApplier(self._database, self._inbox, self.folder / "spool")
                    self._single_flight.store_results(folder.apply_pending(max(batches)))

    def submit(self, kind: str, body: Mapping[str, object]) -> str:
        """Hand over an order that nobody waits for; it is durable when this returns."""
        return self._inbox.submit(kind, body)

    def submit_file(self, name: str, write: Callable[[Path], object]) -> str:
        """Hand over an order that is a file, which `write` fills."""
        return self._inbox.submit_file(name, write)

    def apply_backlog(self, batch: str) -> None:
        """Apply what waits up to a batch, where so much waits that others cannot keep up."""
        if self._inbox.count_pending() > MAX_BACKLOG:
            self._apply_pending([batch], self._lock)

    def rejected_orders(self) -> dict[str, str]:
        """Return why each order was set aside that could not be applied, by its batch."""
        return self._inbox.rejections()

    def temporary_file(self, what: str) -> Path:
        """Return the path of a new file for rows on their way to a caller."""
        return temporary_path(self.folder / "tmp", what)

    def submit_and_wait(self, kind: str, body: Mapping[str, object]) -> Result:
        """Hand over an order and wait for its answer; what it refuses is raised."""
        self.check_available()  # an order that nobody could fold now would be carried out some day
        batch = self._inbox.submit(kind, body)
        with self._single_flight.awaiting(batch):
            try:
                self._apply_pending([batch], self._lock)
            except CatalogFull:
                if self._withdraw(batch):
                    raise  # else it was folded all the same, by others or before the room was gone
            result = self._single_flight.result(batch)
        if result is None:
            result = self._read_result(batch)
        raise_if_refused(result)
        return result

    def _withdraw(self, batch: str) -> bool:
        """Take back an order that could not be folded: its giver hears that nothing was done."""
        with self._lock.hold(Hold.ALONE):
            return self._inbox.withdraw(batch)

    def _read_result(self, batch: str) -> Result:
        # Somebody else folded the order, or set it aside.
        why = self._inbox.rejection(batch)
        if why is not None:
            raise CatalogBroken(f"the catalog refused an order: {why}")
        with self.opened() as connection:
            query = "SELECT result FROM ingested WHERE batch = ?"
            found = connection.execute(query, [batch]).fetchone()
        if found is None:
            raise CatalogBroken(f"order {batch!r} was lost")
        return cast("Result", json.loads(found[0]))
