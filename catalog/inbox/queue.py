"""The durable inbox: a queue of orders to the catalog, each one file, acknowledged by a rename.

An order is JSON (`<time>-<random>.plan.<tenant>.json`) or rows (`….outcomes.<tenant>.parquet`). It
is written and synced beside the inbox, then renamed into it: from then on it survives any crash,
and the next process that locks the catalog applies it, for the tenant in its name. Names sort by
the time of submission.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from catalog.errors import InvalidInput
from catalog.store.disk_errors import reporting_disk_errors
from catalog.store.fsync import fsync_path

STALE_S = 2 * 86_400  # a draft older than this was abandoned
MAX_TENANT_BYTES = 180  # of a file name, which may have 255 bytes
_NAME = re.compile(r"\d{20}-[0-9a-f]{12}\.[a-z-]+(\.[^./]+)?\.(json|parquet)")
FOLDERS = ("inbox", "spool", "tmp", "quarantine")


@dataclass(frozen=True, slots=True)
class Order:
    """One file of the inbox: its batch id (time and random), kind, tenant and path."""

    batch: str
    kind: str
    tenant: str
    path: Path

    @classmethod
    def from_path(cls, path: Path, tenant: str) -> Order:
        """Parse batch id, kind and tenant from the file's name.

        A name without a tenant, from an older program, belongs to `tenant`.

        >>> name = "00000000000000000001-0123456789ab.plan.a%2Fb.json"
        >>> Order.from_path(Path(name), "default").tenant
        'a/b'
        """
        batch, kind, *named, _ = path.name.split(".")
        return cls(batch, kind, unquote(named[0]) if named else tenant, path)

    @property
    def submitted_at(self) -> datetime:
        """Return when the order was submitted, as UTC without a zone."""
        seconds = int(self.batch.split("-", 1)[0]) / 1e9
        return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)

    def body(self) -> dict[str, object]:
        """Return the JSON object of the order."""
        body = json.loads(self.path.read_bytes())
        if not isinstance(body, dict):
            raise ValueError(f"order {self.path.name!r} is not a JSON object")  # noqa: TRY004  # content
        return body  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


class Inbox:
    """The folder of queued orders, and the quarantine of those that cannot be applied."""

    __slots__ = ("_inbox", "_quarantine", "_quoted", "_tenant", "_tmp")

    def __init__(self, folder: Path, tenant: str) -> None:
        """Keep everything in subfolders of `folder`, and submit orders for `tenant`."""
        self._tenant = tenant
        self._quoted = quote(tenant, safe="").replace(".", "%2E")
        if not 0 < len(self._quoted) <= MAX_TENANT_BYTES:
            raise InvalidInput(f"the tenant {tenant!r} is empty or too long for a file name")
        self._inbox = folder / "inbox"
        self._tmp = folder / "tmp"
        self._quarantine = folder / "quarantine"

    def submit(self, kind: str, body: Mapping[str, object]) -> str:
        """Queue a JSON order and return its batch id; it is durable then."""
        data = json.dumps(body).encode()

        def write(path: Path) -> None:
            path.write_bytes(data)

        return self.submit_file(f"{kind}.json", write)

    def submit_file(self, suffix: str, write: Callable[[Path], object]) -> str:
        """Queue the file that `write` fills and return its batch id; it is durable then.

        `suffix` is kind and format, `outcomes.parquet`.
        """
        batch = f"{_next_timestamp():020d}-{uuid.uuid4().hex[:12]}"
        kind, ending = suffix.split(".")
        draft = self._tmp / f"{batch}.{kind}.{self._quoted}.{ending}"
        with reporting_disk_errors():
            try:
                write(draft)
                fsync_path(draft)
            except BaseException:
                draft.unlink(missing_ok=True)  # it may be what fills the disk
                raise
            draft.rename(self._inbox / draft.name)
            fsync_path(self._inbox)
        return batch

    def withdraw(self, batch: str) -> bool:
        """Remove an order if it is still queued, and say whether it was.

        Call it only while nobody else can apply orders.
        """
        names = [name for name in self._names() if name.partition(".")[0] == batch]
        for name in names:
            (self._inbox / name).unlink()
        return bool(names)

    def pending(self, until: str) -> list[Order]:
        """Return the queued orders, oldest first, none newer than the batch `until`."""
        names = (name for name in self._names() if name[: len(until)] <= until)
        return [Order.from_path(self._inbox / name, self._tenant) for name in sorted(names)]

    def pending_batches(self) -> frozenset[str]:
        """Return the batches of the queued orders."""
        return frozenset(name.partition(".")[0] for name in self._names())

    def count_pending(self) -> int:
        """Return how many orders are queued."""
        return len(self._names())

    def is_any_pending(self, batches: Collection[str]) -> bool:
        """Say whether any of these orders is still queued."""
        return any(name.partition(".")[0] in batches for name in self._names())

    def _names(self) -> list[str]:
        with os.scandir(self._inbox) as entries:
            return [entry.name for entry in entries if _NAME.fullmatch(entry.name)]

    def remove(self, order: Order) -> None:
        """Delete an applied order; call it only after the commit."""
        order.path.unlink(missing_ok=True)

    def move_to_dead_letters(self, order: Order, why: str) -> None:
        """Move a poisoned order to the folder `quarantine`, with a text file of the reason."""
        (self._quarantine / f"{order.batch}.error.txt").write_text(f"{order.path.name}: {why}\n")
        order.path.rename(self._quarantine / order.path.name)

    def remove_stale_drafts(self) -> None:
        """Delete drafts that a dead process left behind."""
        oldest = time.time() - STALE_S
        with os.scandir(self._tmp) as drafts:
            for draft in drafts:
                try:
                    if draft.is_file() and draft.stat().st_mtime < oldest:
                        Path(draft).unlink()
                except FileNotFoundError:
                    continue  # it was renamed into the inbox meanwhile

    def rejections(self) -> dict[str, str]:
        """Return why each quarantined order of this tenant was rejected."""
        reasons: dict[str, str] = {}
        for path in sorted(self._quarantine.glob("*.error.txt")):
            text = path.read_text().strip()
            name = text.partition(": ")[0]
            if not _NAME.fullmatch(name) or self._is_own(name):
                reasons[path.name.partition(".")[0]] = text
        return reasons

    def _is_own(self, name: str) -> bool:
        return Order.from_path(self._quarantine / name, self._tenant).tenant == self._tenant

    def rejection(self, batch: str) -> str | None:
        """Return why `batch` was rejected, or None if it was not."""
        path = self._quarantine / f"{batch}.error.txt"
        return path.read_text().strip() if path.exists() else None


_timestamp_lock = threading.Lock()
_last_timestamp = [0]


def _next_timestamp() -> int:
    # Strictly increasing nanoseconds, so that the orders of one process keep their sequence.
    with _timestamp_lock:
        _last_timestamp[0] = max(_last_timestamp[0] + 1, time.time_ns())
        return _last_timestamp[0]
