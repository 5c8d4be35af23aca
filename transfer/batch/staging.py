"""The bytes of one batch between download and upload, and what is known of each piece."""

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
from catalog.model.plan import Action, Item
from catalog.model.resource import Resource
from providers.base import Attributes, Source, Stored
from providers.interfaces.early_request import PendingFetch
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import End

BLOCK = 2**20  # bytes
COPIES_WHILE_FETCHED = 2  # of a body while it leaves the library that fetched it
MEMORY_RETRY_S = 0.05  # until a piece is handed over again for which there was no memory


class Piece:
    """One item on its way; `data` or `file` holds its bytes once they are here.

    Neither is set for a piece that passes through: it is read while it is written.
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

    def __init__(self, item: Item) -> None:
        """Begin with the plan's `item` and nothing done."""
        self.item = item
        self.pending: PendingFetch | None = None  # its request is under way
        self.data: bytes | None = None
        self.file: Path | None = None
        self.held_bytes = 0  # bytes taken from the budget
        self.size = 0  # bytes read
        self.digest: str | None = None  # sha256 hex of the bytes read
        self.md5: str | None = None  # hex of the bytes in `data` or `file`, where it is known
        self.digest_declared = False  # the source declared a trusted digest, and it is equal
        self.resource: Resource | None = None  # as the source described it when it was read
        self.error: CatalogError | None = None
        self.attempts = 0  # reads of the source
        self.failed_tries: dict[int, int] = {}  # writes that failed, by destination
        self.outcomes: dict[int, Outcome] = {}
        self.earlier_outcomes: list[
            Outcome
        ] = []  # true as well, but no longer all that is to be said
        self.history_outcomes: dict[
            int, list[Outcome]
        ] = {}  # what went into the history, by destination
        self.counted = False  # told to the progress
        self.source: End[Source] | None = None  # the mirror that it is read from, if it is one
        self.next_sources: list[str] = []  # addresses of the sources that are asked next
        self.redirected = False  # it is no longer read where it would be at first

    @property
    def removal(self) -> bool:
        """Say whether this piece is to be removed at its destinations."""
        return Action.REMOVE in self.item.actions

    @property
    def clears_path(self) -> bool:
        """Say whether this piece is removed because it stands in the way of what arrives."""
        return self.item.conflict is not None and self.removal

    def open_targets(self) -> list[tuple[int, Action]]:
        """Return the destinations that are still to be written (or cleared), with their action."""
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
        """Return what travels with the bytes."""
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
    """All pieces of one batch, and the folder for those too large for memory.

    Deliberately no dataclass: Prefect looks into dataclasses for futures, byte by byte.
    """

    def __init__(self, delivery: Delivery, items: list[Item]) -> None:
        """Hold one piece for each item."""
        self.delivery = delivery
        self.pieces = [Piece(item) for item in items]
        self.breaches: list[Breach] = []  # what contracts found
        self.uncleaned: dict[str, str] = {}  # why a file stays at the source, by its name there
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Say how many pieces there are, never what is in them."""
        return f"<Staging of {len(self.pieces)} pieces>"

    def folder(self) -> Path:
        """Return the batch's temporary folder, made on first use."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="entrepot-"))
            return self._folder

    def reserve(self, piece: Piece, count: int) -> bool:
        """Take memory for `count` bytes of a piece; False where the process holds too many.

        One that is fetched whole takes `COPIES` times its size until it is here.
        """
        if not self.delivery.budget.take(count, staying=True):
            return False
        piece.held_bytes += count
        return True

    def free_memory(self, piece: Piece, keep: int = 0) -> None:
        """Give the memory of a piece back, but for `keep` bytes that it still holds."""
        if not keep:
            piece.data = None
        if piece.held_bytes > keep:
            self.delivery.budget.release(piece.held_bytes - keep)
            piece.held_bytes = keep

    def release(self) -> None:
        """Give all memory and disk back; may be called twice."""
        for piece in self.pieces:
            self.free_memory(piece)
            piece.file = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes of all pieces so far."""
        return [
            outcome
            for piece in self.pieces
            for outcome in (*piece.earlier_outcomes, *piece.outcomes.values())
        ]

    def history_outcomes(self) -> list[Outcome]:
        """Return what went into the histories of the destinations so far."""
        return [
            one for piece in self.pieces for kept in piece.history_outcomes.values() for one in kept
        ]

    def to_write(self) -> Iterator[Piece]:
        """Yield the pieces that are well and have a destination left to write."""
        for piece in self.pieces:
            if piece.error is None and not piece.removal and piece.open_targets():
                yield piece

    def fail(self, piece: Piece, error: CatalogError) -> None:
        """Settle a piece as failed at every destination that is still open."""
        piece.error = error
        for number, _ in piece.open_targets():
            self.settle_failed(piece, number, error)

    def settle_failed(self, piece: Piece, number: int, error: CatalogError) -> None:
        """Settle a piece as failed at one destination."""
        self._settle(
            piece,
            number,
            Status.FAILED,
            error=getattr(error, "code", "invalid"),
            message=str(error),
            expected=getattr(error, "expected", None),
            found=getattr(error, "found", None),
        )

    def drop(self, piece: Piece, error: CatalogError) -> None:
        """Settle a piece as left out on purpose wherever it is still open; `error` says why."""
        for number, _ in piece.open_targets():
            self._settle(
                piece,
                number,
                Status.DROPPED,
                error=getattr(error, "code", "dropped"),
                message=str(error),
            )

    def settle_stored(self, piece: Piece, number: int, stored: Stored) -> None:
        """Settle a piece as stored and proven at one destination."""
        self._settle(
            piece,
            number,
            Status.STORED,
            proof=Proof.END_TO_END if piece.digest_declared else stored.proof,
            digest=piece.digest,
            size=stored.size,
            etag=stored.etag,
            modified_us=stored.modified_us,
        )

    def settle_removed(self, piece: Piece, number: int) -> None:
        """Settle a piece as removed at one destination."""
        self._settle(piece, number, Status.REMOVED)

    def settle_unmarked(self, piece: Piece, number: int, error: CatalogError) -> None:
        """Settle a piece anew as failed at one destination, where its marker could not be had.

        That it was stored is still told before; a removal is not, so that it is done once more.
        """
        stored = piece.outcomes.get(number)
        if stored is not None and stored.status is Status.STORED:
            with self._lock:
                piece.earlier_outcomes.append(stored)
        self.settle_failed(piece, number, error)
        if stored is not None:
            self.delivery.progress.count_late_failure()

    def _settle(self, piece: Piece, number: int, status: Status, **facts: object) -> None:
        item = piece.item
        resource = piece.resource
        action = item.actions[item.destinations.index(number)]
        piece.outcomes[number] = Outcome(
            destination=self.delivery.destinations[number].address,
            path=item.path,
            origin=item.origin,
            action=action,
            status=status,
            origin_etag=resource.etag if resource else item.etag,
            origin_size=resource.size if resource else item.size,
            origin_modified_us=resource.modified_us if resource else item.modified_us,
            content_type=(resource.content_type if resource else None) or item.content_type,
            attempts=max(1, piece.attempts),
            **facts,  # type: ignore[arg-type]
        )
        with self._lock:
            last = not piece.counted and not piece.open_targets()
            piece.counted = piece.counted or last
        if last:
            self.free_memory(piece)  # nobody needs the bytes again
            failed = any(one.status is Status.FAILED for one in piece.outcomes.values())
            self.delivery.progress.count_item(failed=failed)


def source_resource(piece: Piece) -> Resource:
    """Return how the source described a staged piece, or the plan did, if it was read elsewhere."""
    item = piece.item
    return piece.resource or Resource(
        item.origin,
        size=piece.size,
        etag=item.etag,
        modified_us=item.modified_us,
        content_type=item.content_type,
    )


def any_trusted(digests: tuple[Digest, ...]) -> bool:
    """Say whether one of these digests is good enough to prove content."""
    return any(digest.algorithm in TRUSTED for digest in digests)


def expected_digests(item: Item, resource: Resource | None) -> tuple[Digest, ...]:
    """Return every digest that the bytes must have: the plan's, and the reply's own."""
    planned = tuple(Digest.parse(text) for text in item.digests)
    return planned + (resource.digests if resource is not None else ())
