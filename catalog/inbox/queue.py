"""The durable inbox: orders to the catalog, each one file, acknowledged by one rename.

An order is JSON (`<time>-<random>.plan.<tenant>.json`) or rows (`….outcomes.<tenant>.parquet`). It
is written and synced beside the inbox, then renamed into it: from then on it survives any crash,
and whoever next holds the catalog folds it, for the tenant that it names. Names sort in the order
they were given.
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

STALE_S = 2 * 86_400  # a draft older than this belongs to nobody
MAX_TENANT_BYTES = 180  # bytes of a tenant as part of a name, of the 255 that file systems allow
_NAME = re.compile(r"\d{20}-[0-9a-f]{12}\.[a-z-]+(\.[^./]+)?\.(json|parquet)")
FOLDERS = ("inbox", "spool", "tmp", "quarantine")


@dataclass(frozen=True, slots=True)
class Order:
    """One file of the inbox: its batch id (when and which), kind, whose it is, where it lies."""

    batch: str
    kind: str
    tenant: str
    path: Path

    @classmethod
    def from_path(cls, path: Path, tenant: str) -> Order:
        """Read batch id, kind and tenant off the file's name.

        A name without a tenant, as older programs gave, is for `tenant`.

        >>> name = "00000000000000000001-0123456789ab.plan.a%2Fb.json"
        >>> Order.from_path(Path(name), "default").tenant
        'a/b'
        """
        batch, kind, *named, _ = path.name.split(".")
        return cls(batch, kind, unquote(named[0]) if named else tenant, path)

    @property
    def submitted_at(self) -> datetime:
        """Return when the order was given, UTC without a zone as the catalog keeps it."""
        seconds = int(self.batch.split("-", 1)[0]) / 1e9
        return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)

    def body(self) -> dict[str, object]:
        """Return the JSON object of the order."""
        body = json.loads(self.path.read_bytes())
        if not isinstance(body, dict):
            raise ValueError(f"order {self.path.name!r} is not a JSON object")  # noqa: TRY004  # content
        return body  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


class Inbox:
    """The folder of orders that wait, and the quarantine of those that cannot be folded."""

    __slots__ = ("_inbox", "_quarantine", "_quoted", "_tenant", "_tmp")

    def __init__(self, folder: Path, tenant: str) -> None:
        """Keep everything in subfolders of `folder`, and hand over for `tenant`."""
        self._tenant = tenant
        self._quoted = quote(tenant, safe="").replace(".", "%2E")
        if not 0 < len(self._quoted) <= MAX_TENANT_BYTES:
            raise InvalidInput(f"the tenant {tenant!r} is empty or too long for a file's name")
        self._inbox = folder / "inbox"
        self._tmp = folder / "tmp"
        self._quarantine = folder / "quarantine"

    def submit(self, kind: str, body: Mapping[str, object]) -> str:
        """Hand over a JSON order; durable when this returns its batch id."""
        data = json.dumps(body).encode()

        def write(path: Path) -> None:
            path.write_bytes(data)

        return self.submit_file(f"{kind}.json", write)

    def submit_file(self, suffix: str, write: Callable[[Path], object]) -> str:
        """Hand over the file that `write` fills; durable when this returns its batch id.

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
        """Take an order back that nobody folded, and say whether that was so.

        Call it only while nobody else can fold.
        """
        names = [name for name in self._names() if name.partition(".")[0] == batch]
        for name in names:
            (self._inbox / name).unlink()
        return bool(names)

    def pending(self, until: str) -> list[Order]:
        """Return the orders that wait, oldest first, none younger than the batch `until`."""
        names = (name for name in self._names() if name[: len(until)] <= until)
        return [Order.from_path(self._inbox / name, self._tenant) for name in sorted(names)]

    def pending_batches(self) -> frozenset[str]:
        """Return the batches of the orders that wait."""
        return frozenset(name.partition(".")[0] for name in self._names())

    def count_pending(self) -> int:
        """Return how many orders wait."""
        return len(self._names())

    def is_any_pending(self, batches: Collection[str]) -> bool:
        """Say whether any of these orders still waits."""
        return any(name.partition(".")[0] in batches for name in self._names())

    def _names(self) -> list[str]:
        with os.scandir(self._inbox) as entries:
            return [entry.name for entry in entries if _NAME.fullmatch(entry.name)]

    def remove(self, order: Order) -> None:
        """Take a folded order away; call it only after the commit."""
        order.path.unlink(missing_ok=True)

    def quarantine(self, order: Order, why: str) -> None:
        """Move a poisoned order to the quarantine, beside a text that names the reason."""
        (self._quarantine / f"{order.batch}.error.txt").write_text(f"{order.path.name}: {why}\n")
        order.path.rename(self._quarantine / order.path.name)

    def remove_stale_drafts(self) -> None:
        """Remove drafts that a dead process left behind."""
        oldest = time.time() - STALE_S
        with os.scandir(self._tmp) as drafts:
            for draft in drafts:
                try:
                    if draft.is_file() and draft.stat().st_mtime < oldest:
                        Path(draft).unlink()
                except FileNotFoundError:
                    continue  # it was renamed into the inbox meanwhile

    def rejections(self) -> dict[str, str]:
        """Return why each order of this tenant that was set aside was."""
        found: dict[str, str] = {}
        for path in sorted(self._quarantine.glob("*.error.txt")):
            text = path.read_text().strip()
            name = text.partition(": ")[0]
            if not _NAME.fullmatch(name) or self._is_own(name):
                found[path.name.partition(".")[0]] = text
        return found

    def _is_own(self, name: str) -> bool:
        return Order.from_path(self._quarantine / name, self._tenant).tenant == self._tenant

    def rejection(self, batch: str) -> str | None:
        """Return why `batch` was set aside, or None if it was not."""
        path = self._quarantine / f"{batch}.error.txt"
        return path.read_text().strip() if path.exists() else None


_timestamp_lock = threading.Lock()
_last_timestamp = [0]


def _next_timestamp() -> int:
    # Nanoseconds that never go back in one process, so that its orders keep their order.
    with _timestamp_lock:
        _last_timestamp[0] = max(_last_timestamp[0] + 1, time.time_ns())
        return _last_timestamp[0]
