"""Opens one catalog file: whoever reads folds what waits first, whoever asks waits for an answer.

Any number of processes and threads may share the file. What is written goes through the durable
inbox; the file is open only while the turnstile is held.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from pathlib import Path
from typing import Self, cast

from duckdb import DuckDBPyConnection

from catalog.database import Database, Reuse
from catalog.errors import CatalogBroken
from catalog.fold import Folder
from catalog.inbox import FOLDERS, Inbox
from catalog.keys import repository_key
from catalog.lease import Lease
from catalog.lock import Hold, Turnstile
from catalog.migrate import BehindError
from catalog.orders.work import Result
from catalog.refusal import raise_refusal
from catalog.settings import Settings

RACY_NS = 20_000_000  # 20 ms; the kernel's clock for files ticks every 1 to 10 ms


def beside_of(path: Path) -> Path:
    """Return the folder beside a catalog's file, for all that goes with it."""
    return path.with_name(f"{path.name}.d")


class Access:
    """One catalog file and the folder beside it, `<file>.d`; safe to share between threads."""

    __slots__ = (
        "_database",
        "_folder",
        "_inbox",
        "_lease",
        "_tenant",
        "_timeout_s",
        "_turnstile",
        "path",
    )

    def __init__(
        self,
        path: Path,
        *,
        tenant: str = "default",
        timeout_s: float = 120.0,
        threads: int = 2,
        memory: str = "512MB",
    ) -> None:
        """Use the catalog at `path`, made when first needed."""
        self.path = path.absolute()
        self._tenant = tenant
        self._timeout_s = timeout_s
        beside = beside_of(self.path)
        for name in FOLDERS:
            (beside / name).mkdir(parents=True, exist_ok=True)
        self._folder = beside
        self._inbox = Inbox(beside, tenant)
        self._turnstile = Turnstile(beside, timeout_s)
        self._database = Database(self.path, beside / "tmp", threads=threads, memory=memory)
        self._lease: Lease | None = None

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the catalog that the settings name."""
        chosen = Settings() if settings is None else settings
        return cls(
            chosen.catalog.expanduser(),
            tenant=chosen.tenant,
            timeout_s=chosen.catalog_timeout_s,
            threads=chosen.catalog_threads,
            memory=chosen.catalog_memory,
        )

    @property
    def beside(self) -> Path:
        """Return the folder beside the file, for all that goes with the catalog."""
        return self._folder

    def keep_open(self) -> None:
        """Keep the catalog open between questions as long as nobody else waits for it."""
        self._lease = Lease(self._opened, self._turnstile.queued)

    def of_tenant(self, tenant: str) -> Self:
        """Return the same catalog for another tenant; what is open is shared."""
        other = copy(self)
        other._become(tenant)  # noqa: SLF001 - our own
        return other

    def _become(self, tenant: str) -> None:
        self._tenant = tenant
        self._inbox = Inbox(self._folder, tenant)

    def settle(self, timeout_s: float | None = None) -> None:
        """Fold all that waits."""
        turnstile = self._turnstile
        if timeout_s is not None:
            turnstile = Turnstile(self._folder, timeout_s)
        # All that waits, not the newest alone: who folded that may have looked a moment too early
        # to see one that was begun before it and handed over after.
        batches = self._inbox.batches()
        if batches:
            self._settle(batches, turnstile)

    def generation(self) -> tuple[int, ...]:
        """Return what differs whenever anything may have been recorded since; two calls of `stat`.

        Cache answers by it, and take it before you ask: what the catalog tells of is its file and
        what waits in the inbox. Two changes in one tick of the clock show as one, so that for a
        moment after a change (20 ms) no value is equal to any other.
        """
        found: list[int] = []
        newest = 0
        for path in (self.path, self._folder / "inbox"):
            try:
                status = path.stat()
            except FileNotFoundError:
                found += (0, 0, 0)
                continue
            newest = max(newest, status.st_mtime_ns)
            found += (status.st_mtime_ns, status.st_size, status.st_ino)
        now = time.time_ns()
        return (*found, now if abs(now - newest) < RACY_NS else 0)

    def _key(self, address: str) -> str:
        return repository_key(self._tenant, address)

    @contextmanager
    def _reading(self, reuse: Reuse = Reuse.ENGINE) -> Generator[DuckDBPyConnection]:
        # Whoever reads first folds what waits, so that a process sees all it handed over before.
        self.settle()
        if self._lease is not None and reuse is Reuse.ENGINE:
            with self._lease.cursor() as connection:
                yield connection
        else:
            with self._opened(reuse) as connection:
                yield connection

    @contextmanager
    def _opened(self, reuse: Reuse = Reuse.ENGINE) -> Generator[DuckDBPyConnection]:
        # Enough for what never changes, such as a plan: it leaves outcomes to wait for each other.
        if not self._database.exists():
            with self._turnstile.hold(Hold.ALONE, unless=self._database.exists) as held:
                if held:
                    with self._database.writable():
                        pass  # it is made by being opened
        with ExitStack() as stack:
            stack.enter_context(self._turnstile.hold(Hold.SHARED))
            try:
                connection = stack.enter_context(self._database.readable(reuse))
            except BehindError:
                stack.close()  # reading what an older program left would miss tables and columns
                with self._turnstile.hold(Hold.ALONE), self._database.writable():
                    pass
                stack.enter_context(self._turnstile.hold(Hold.SHARED))
                connection = stack.enter_context(self._database.readable(reuse))
            yield connection

    def _settle(self, batches: Collection[str], turnstile: Turnstile) -> dict[str, Result]:
        # No further than these, so that nobody waits for the orders of those who came later.
        if self._lease is not None:
            self._lease.give_up()
        with turnstile.hold(Hold.ALONE, unless=lambda: not self._inbox.wait(batches)) as held:
            if not held:
                return {}
            folder = Folder(self._database, self._inbox, self._folder / "spool")
            return folder.settle(max(batches))

    def _ask(self, kind: str, body: Mapping[str, object]) -> Result:
        batch = self._inbox.submit(kind, body)
        result = self._settle([batch], self._turnstile).get(batch)
        if result is None:
            result = self._answer(batch)
        raise_refusal(result)
        return result

    def _answer(self, batch: str) -> Result:
        # Somebody else folded the order, or set it aside.
        why = self._inbox.verdict(batch)
        if why is not None:
            raise CatalogBroken(f"the catalog refused an order: {why}")
        with self._opened() as connection:
            query = "SELECT result FROM ingested WHERE batch = ?"
            found = connection.execute(query, [batch]).fetchone()
        if found is None:
            raise CatalogBroken(f"order {batch!r} was lost")
        return cast("Result", json.loads(found[0]))
