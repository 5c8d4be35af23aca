"""The staging of one batch: its bytes between download and upload, and its transfers' states."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from catalog.errors import CatalogError
from catalog.model.breach import Breach
from catalog.model.digest import TRUSTED, Digest
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import Action, PlanItem
from catalog.model.resource import Resource
from providers.base import Attributes, Source, Stored
from providers.interfaces.early_request import PendingFetch
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint

BLOCK = 2**20  # bytes
COPIES_WHILE_FETCHED = 2  # of a body while the HTTP library hands it over
MEMORY_RETRY_S = 0.05  # until a transfer is tried again that found no memory


class Transfer:
    """One item in transfer; `data` or `file` has its bytes once they were received.

    Neither is set for a streamed transfer, which is read while it is written.
    """

    __slots__ = (
        "attempts",
        "counted",
        "data",
        "digest",
        "digest_declared",
        "earlier_outcomes",
        "error",
        "failed_tries",
        "file",
        "held_bytes",
        "history_outcomes",
        "item",
        "md5",
        "next_sources",
        "outcomes",
        "pending",
        "redirected",
        "resource",
        "size",
        "source",
    )

    def __init__(self, item: PlanItem) -> None:
        """Begin with the plan's `item`."""
        self.item = item
        self.pending: PendingFetch | None = None  # its request was sent ahead
        self.data: bytes | None = None
        self.file: Path | None = None
        self.held_bytes = 0  # bytes taken from the memory budget
        self.size = 0  # bytes read
        self.digest: str | None = None  # sha256 hex of the bytes read
        self.md5: str | None = None  # hex, of the bytes in `data` or `file`, if known
        self.digest_declared = False  # the source declared a trusted digest, and it matches
        self.resource: Resource | None = None  # the source's description when it was read
        self.error: CatalogError | None = None
        self.attempts = 0  # reads of the source
        self.failed_tries: dict[int, int] = {}  # writes that failed, by destination
        self.outcomes: dict[int, Outcome] = {}
        self.earlier_outcomes: list[Outcome] = []  # superseded, but recorded as well
        self.history_outcomes: dict[int, list[Outcome]] = {}  # of kept files, by destination
        self.counted = False  # in the progress
        self.source: Endpoint[Source] | None = None  # the mirror that it is read from, if any
        self.next_sources: list[str] = []  # addresses of the sources to try next
        self.redirected = False  # it was switched to another source

    @property
    def removal(self) -> bool:
        """Say whether this transfer is removed at its destinations."""
        return Action.REMOVE in self.item.actions

    @property
    def clears_path(self) -> bool:
        """Say whether this transfer is removed because an arrival needs its path."""
        return self.item.conflict is not None and self.removal

    def open_targets(self) -> list[tuple[int, Action]]:
        """Return the destinations still to be written or cleared, with their action."""
        if len(self.item.destinations) == 1:  # the usual case, and this is asked often
            number, action = self.item.destinations[0], self.item.actions[0]
            return [] if action is Action.KEEP or self.outcomes else [(number, action)]
        pairs = zip(self.item.destinations, self.item.actions, strict=True)
        return [
            (number, action)
            for number, action in pairs
            if action is not Action.KEEP and number not in self.outcomes
        ]

    def attributes(self) -> Attributes:
        """Return the attributes to store with the bytes."""
        resource = self.resource
        modified_us = self.item.modified_us
        content_type = self.item.content_type
        if resource is not None:
            modified_us = resource.modified_us if modified_us is None else modified_us
            content_type = resource.content_type or content_type
        return Attributes(
            content_type=content_type,
            modified_us=modified_us,
            sha256=self.digest,
            md5=self.md5,
            properties=self.item.properties_mapping(),
            mode=resource.mode if resource is not None else None,
        )


class Staging:
    """All transfers of one batch, and a folder for those that do not fit into memory.

    Deliberately not a dataclass: Prefect searches dataclasses for futures, byte by byte.
    """

    def __init__(self, delivery: Delivery, items: list[PlanItem]) -> None:
        """Hold one transfer for each item."""
        self.delivery = delivery
        self.transfers = [Transfer(item) for item in items]
        self.breaches: list[Breach] = []  # of contracts
        self.uncleaned: dict[str, str] = {}  # errors of clean-up, by path at the source
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show the number of transfers, never their content."""
        return f"<Staging of {len(self.transfers)} transfers>"

    def folder(self) -> Path:
        """Return the batch's temporary folder; it is created on first use."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="entrepot-"))
            return self._folder

    def reserve(self, transfer: Transfer, count: int) -> bool:
        """Reserve memory for `count` bytes of a transfer; False if the budget is used up.

        A transfer that is fetched whole takes `COPIES_WHILE_FETCHED` times its size meanwhile.
        """
        if not self.delivery.budget.take(count, staying=True):
            return False
        transfer.held_bytes += count
        return True

    def free_memory(self, transfer: Transfer, keep: int = 0) -> None:
        """Release the memory of a transfer, except for `keep` bytes."""
        if not keep:
            transfer.data = None
        if transfer.held_bytes > keep:
            self.delivery.budget.release(transfer.held_bytes - keep)
            transfer.held_bytes = keep

    def release(self) -> None:
        """Release all memory and disk space; may be called twice."""
        for transfer in self.transfers:
            self.free_memory(transfer)
            transfer.file = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes of all transfers so far."""
        return [
            outcome
            for transfer in self.transfers
            for outcome in (*transfer.earlier_outcomes, *transfer.outcomes.values())
        ]

    def history_outcomes(self) -> list[Outcome]:
        """Return the outcomes of files moved into the destinations' histories so far."""
        return [
            one
            for transfer in self.transfers
            for kept in transfer.history_outcomes.values()
            for one in kept
        ]

    def to_write(self) -> Iterator[Transfer]:
        """Yield the transfers without an error that have a destination left to write."""
        for transfer in self.transfers:
            if transfer.error is None and not transfer.removal and transfer.open_targets():
                yield transfer

    def fail(self, transfer: Transfer, error: CatalogError) -> None:
        """Settle a transfer as failed at every open destination."""
        transfer.error = error
        for number, _ in transfer.open_targets():
            self.settle_failed(transfer, number, error)

    def settle_failed(self, transfer: Transfer, number: int, error: CatalogError) -> None:
        """Settle a transfer as failed at one destination."""
        self._settle(
            transfer,
            number,
            Status.FAILED,
            error=getattr(error, "code", "invalid"),
            message=str(error),
            expected=getattr(error, "expected", None),
            found=getattr(error, "found", None),
        )

    def drop(self, transfer: Transfer, error: CatalogError) -> None:
        """Settle a transfer as left out on purpose at every open destination; `error` says why."""
        for number, _ in transfer.open_targets():
            self._settle(
                transfer,
                number,
                Status.DROPPED,
                error=getattr(error, "code", "dropped"),
                message=str(error),
            )

    def settle_stored(self, transfer: Transfer, number: int, stored: Stored) -> None:
        """Settle a transfer as stored and verified at one destination."""
        self._settle(
            transfer,
            number,
            Status.STORED,
            proof=Proof.END_TO_END if transfer.digest_declared else stored.proof,
            digest=transfer.digest,
            size=stored.size,
            etag=stored.etag,
            modified_us=stored.modified_us,
        )

    def settle_removed(self, transfer: Transfer, number: int) -> None:
        """Settle a transfer as removed at one destination."""
        self._settle(transfer, number, Status.REMOVED)

    def settle_unmarked(self, transfer: Transfer, number: int, error: CatalogError) -> None:
        """Settle a transfer as failed at one destination because its marker could not be updated.

        The outcome "stored" is kept as an earlier one; a removal is not, so that it is repeated.
        """
        stored = transfer.outcomes.get(number)
        if stored is not None and stored.status is Status.STORED:
            with self._lock:
                transfer.earlier_outcomes.append(stored)
        self.settle_failed(transfer, number, error)
        if stored is not None:
            self.delivery.progress.count_late_failure()

    def _settle(self, transfer: Transfer, number: int, status: Status, **facts: object) -> None:
        item = transfer.item
        resource = transfer.resource
        action = item.actions[item.destinations.index(number)]
        transfer.outcomes[number] = Outcome(
            destination=self.delivery.destinations[number].address,
            path=item.path,
            origin=item.origin,
            action=action,
            status=status,
            origin_etag=resource.etag if resource else item.etag,
            origin_size=resource.size if resource else item.size,
            origin_modified_us=resource.modified_us if resource else item.modified_us,
            content_type=(resource.content_type if resource else None) or item.content_type,
            attempts=max(1, transfer.attempts),
            **facts,  # type: ignore[arg-type]
        )
        with self._lock:
            last = not transfer.counted and not transfer.open_targets()
            transfer.counted = transfer.counted or last
        if last:
            self.free_memory(transfer)  # the bytes are no longer needed
            failed = any(outcome.status is Status.FAILED for outcome in transfer.outcomes.values())
            self.delivery.progress.count_item(failed=failed)


def source_resource(transfer: Transfer) -> Resource:
    """Return the source's description of a staged file, or the plan's if it was read elsewhere."""
    item = transfer.item
    return transfer.resource or Resource(
        item.origin,
        size=transfer.size,
        etag=item.etag,
        modified_us=item.modified_us,
        content_type=item.content_type,
    )


def any_trusted(digests: tuple[Digest, ...]) -> bool:
    """Say whether one of these digests is strong enough to prove content."""
    return any(digest.algorithm in TRUSTED for digest in digests)


def expected_digests(item: PlanItem, resource: Resource | None) -> tuple[Digest, ...]:
    """Return every digest that the bytes must have: the plan's and the reply's."""
    planned = tuple(Digest.parse(text) for text in item.digests)
    return planned + (resource.digests if resource is not None else ())
