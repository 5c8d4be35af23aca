"""A batch as a person's own step sees it: its files, their bytes, and what may be done with them.

def no_drafts(batch):
    for file in batch.files:
        if "draft" in file.path:
            file.drop("drafts stay where they are")
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from catalog.errors import CatalogError, InvalidInput, SizeMismatch, StorageError
from catalog.model.outcome import Outcome
from providers.base import Stored
from transfer.batch.staging import Piece, Staging
from transfer.steps.supplied_bytes import supply_bytes, supply_file
from transfer.user_functions import Dropped, Refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StagedFile:
    """One file of a batch that is still to be written, or removed, somewhere."""

    __slots__ = ("_piece", "_staging")

    def __init__(self, staging: Staging, piece: Piece) -> None:
        """Show one piece of a staging."""
        self._staging, self._piece = staging, piece

    def __repr__(self) -> str:
        """Name the file."""
        return f"<StagedFile {self.path!r}>"

    @property
    def path(self) -> str:
        """Return its path at the destinations."""
        return self._piece.item.path

    @property
    def origin(self) -> str:
        """Return its path at the source."""
        return self._piece.item.origin

    @property
    def size(self) -> int | None:
        """Return its bytes: as read, else as planned; None where nobody knows yet."""
        return self._piece.size if self._piece.digest is not None else self._piece.item.size

    @property
    def sha256(self) -> str | None:
        """Return the digest of the bytes that were read, as hex; None before they were."""
        return self._piece.digest

    @property
    def content_type(self) -> str | None:
        """Return its media type, where the source tells one."""
        return self._piece.attributes().content_type

    @property
    def modified(self) -> datetime | None:
        """Return when it was changed at the source, where that is known."""
        modified_us = self._piece.attributes().modified_us
        return None if modified_us is None else EPOCH + timedelta(microseconds=modified_us)

    @property
    def properties(self) -> dict[str, str]:
        """Return the source's own properties of it."""
        return dict(self._piece.item.properties_mapping())

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the addresses where it is still to be written, or removed."""
        ends = self._staging.delivery.destinations
        return tuple(ends[number].address for number, _ in self._piece.open_targets())

    def open(self) -> BinaryIO:
        """Open the bytes that were read.

        Raises:
            InvalidInput: they are not here: not read yet, or copied from storage to storage.
        """
        if self._piece.data is not None:
            return BytesIO(self._piece.data)
        if self._piece.file is not None:
            return self._piece.file.open("rb")
        raise InvalidInput(f"the bytes of {self.path!r} are not here at this step")

    def read(self) -> bytes:
        """Return all the bytes that were read; better `open` where files may be large."""
        with self.open() as file:
            return file.read()

    def drop(self, reason: str) -> None:
        """Leave the file out: nothing fails, and what the destinations have there stays."""
        self._staging.drop(self._piece, Dropped(reason))

    def refuse(self, reason: str) -> None:
        """Let the file fail: the run ends failed and names it, all others go on."""
        self._staging.fail(self._piece, Refused(reason))

    def take(self, content: bytes | Path) -> None:
        """Give the file's bytes, in a step instead of `download`; a file given is moved away.

        They must have the size and the digests that the plan and the source tell, else it fails.
        """
        try:
            if isinstance(content, Path):
                supply_file(self._staging, self._piece, content)
            else:
                supply_bytes(self._staging, self._piece, content)
        except CatalogError as error:
            self._staging.fail(self._piece, error)

    def stored(self) -> None:
        """Say that it was written everywhere, in a step instead of `upload`; it is looked at there.

        Where it is not, or has another size, it fails.
        """
        for number, _ in self._piece.open_targets():
            storage = self._staging.delivery.destinations[number].storage
            try:
                there = storage.stat(self.path)
                if there.size != self.size:
                    raise SizeMismatch(self.path, self.size or 0, there.size or 0)
            except StorageError as error:
                self._staging.settle_failed(self._piece, number, error)
                continue
            stored = Stored(there.size or 0, there.etag, there.modified_us)
            self._staging.settle_stored(self._piece, number, stored)


class StagedBatch:
    """A batch on its way: its run, its number, its ends, its files."""

    def __init__(self, staging: Staging, number: int) -> None:
        """Show a staging."""
        self._staging = staging
        self.number = number

    def __repr__(self) -> str:
        """Name the batch."""
        return f"<StagedBatch {self.number} of run {self.run_id}>"

    @property
    def run_id(self) -> str:
        """Return the run that it belongs to."""
        return self._staging.delivery.run_id

    @property
    def source(self) -> str:
        """Return the address of the source."""
        return self._staging.delivery.source.address

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the addresses of the destinations, in the order of the run."""
        return tuple(one.address for one in self._staging.delivery.destinations)

    @property
    def files(self) -> Iterator[StagedFile]:
        """Return the files that are well and still to be written somewhere."""
        return (StagedFile(self._staging, piece) for piece in self._staging.to_write())

    @property
    def removals(self) -> Iterator[StagedFile]:
        """Return the files that are still to be removed somewhere; one dropped stays there."""
        return (
            StagedFile(self._staging, piece)
            for piece in self._staging.pieces
            if piece.removal and piece.open_targets()
        )

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what became of its files so far: one outcome for each, at each destination."""
        return tuple(self._staging.outcomes())
