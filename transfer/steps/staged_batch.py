"""A batch as the user's own step sees it: its files, their bytes, and what can be done with them.

def no_drafts(batch):
    for file in batch.files:
        if "draft" in file.path:
            file.drop("drafts stay where they are")
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from catalog.errors import CatalogError, InvalidInput, SizeMismatch, StorageError
from catalog.model.digest import Hasher
from catalog.model.outcome import Outcome
from catalog.model.resource import Resource
from providers.base import Fetched, Stored
from transfer.batch.integrity import check_bytes, check_read
from transfer.batch.staging import BLOCK, Staging, Transfer, expected_digests, source_resource
from transfer.steps.download import hold_bytes
from transfer.user_functions import Dropped, Refused


def supply_bytes(staging: Staging, transfer: Transfer, data: bytes) -> None:
    """Stage bytes for a transfer if they are the planned ones."""
    resource = _resource(transfer, len(data))
    fetched = Fetched(data, resource)
    sha256 = check_bytes(transfer.item, fetched, expected_digests(transfer.item, None))
    hold_bytes(staging, transfer, fetched, sha256)


def supply_file(staging: Staging, transfer: Transfer, file: Path) -> None:
    """Stage a file for a transfer if it is the planned one; the file is moved."""
    expected = expected_digests(transfer.item, None)
    hasher = Hasher(digest.algorithm for digest in expected)
    with file.open("rb") as opened:
        while chunk := opened.read(BLOCK):
            staging.delivery.stop.check()
            hasher.update(chunk)
    check_read(transfer, hasher, expected, _resource(transfer, hasher.size))
    transfer.file = Path(shutil.move(file, staging.folder() / str(id(transfer))))
    staging.delivery.progress.count_bytes(hasher.size)


def _resource(transfer: Transfer, size: int) -> Resource:
    """Return the file as planned; only an unplanned size is as found."""
    return replace(
        source_resource(transfer), size=size if transfer.item.size is None else transfer.item.size
    )


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StagedFile:
    """One file of a batch that is still to be written or removed at some destination."""

    __slots__ = ("_staging", "_transfer")

    def __init__(self, staging: Staging, transfer: Transfer) -> None:
        """Wrap one transfer of a staging."""
        self._staging, self._transfer = staging, transfer

    def __repr__(self) -> str:
        """Name the file."""
        return f"<StagedFile {self.path!r}>"

    @property
    def path(self) -> str:
        """Return its path at the destinations."""
        return self._transfer.item.path

    @property
    def origin(self) -> str:
        """Return its path at the source."""
        return self._transfer.item.origin

    @property
    def size(self) -> int | None:
        """Return its size in bytes: as read, else as planned; None if unknown so far."""
        return (
            self._transfer.size if self._transfer.digest is not None else self._transfer.item.size
        )

    @property
    def sha256(self) -> str | None:
        """Return the sha256 (hex) of the bytes that were read; None before."""
        return self._transfer.digest

    @property
    def content_type(self) -> str | None:
        """Return its media type, if the source has one."""
        return self._transfer.attributes().content_type

    @property
    def modified(self) -> datetime | None:
        """Return its modification time at the source, if known."""
        modified_us = self._transfer.attributes().modified_us
        return None if modified_us is None else EPOCH + timedelta(microseconds=modified_us)

    @property
    def properties(self) -> dict[str, str]:
        """Return its properties at the source."""
        return dict(self._transfer.item.properties_mapping())

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the addresses where it is still to be written or removed."""
        ends = self._staging.delivery.destinations
        return tuple(ends[number].address for number, _ in self._transfer.open_targets())

    def open(self) -> BinaryIO:
        """Open the bytes that were read.

        Raises:
            InvalidInput: they are not staged: not read yet, streamed, or copied between storages.
        """
        if self._transfer.data is not None:
            return BytesIO(self._transfer.data)
        if self._transfer.file is not None:
            return self._transfer.file.open("rb")
        raise InvalidInput(f"the bytes of {self.path!r} are not staged at this step")

    def read(self) -> bytes:
        """Return all bytes that were read; use `open` for large files."""
        with self.open() as file:
            return file.read()

    def drop(self, reason: str) -> None:
        """Leave the file out: nothing fails, and the destinations keep what they have."""
        self._staging.drop(self._transfer, Dropped(reason))

    def refuse(self, reason: str) -> None:
        """Fail the file: the run fails in the end and names it, all other files go on."""
        self._staging.fail(self._transfer, Refused(reason))

    def take(self, content: bytes | Path) -> None:
        """Supply the file's bytes, in a step that replaces `download`; a given file is moved.

        They must have the planned size and digests, else the file fails.
        """
        try:
            if isinstance(content, Path):
                supply_file(self._staging, self._transfer, content)
            else:
                supply_bytes(self._staging, self._transfer, content)
        except CatalogError as error:
            self._staging.fail(self._transfer, error)

    def stored(self) -> None:
        """Declare it written everywhere, in a step that replaces `upload`; this is checked.

        It fails where it is missing or has another size.
        """
        for number, _ in self._transfer.open_targets():
            storage = self._staging.delivery.destinations[number].storage
            try:
                there = storage.stat(self.path)
                if there.size != self.size:
                    raise SizeMismatch(self.path, self.size or 0, there.size or 0)
            except StorageError as error:
                self._staging.settle_failed(self._transfer, number, error)
                continue
            stored = Stored(there.size or 0, there.etag, there.modified_us)
            self._staging.settle_stored(self._transfer, number, stored)


class StagedBatch:
    """A batch in transfer: its run, number, repositories and files."""

    def __init__(self, staging: Staging, number: int) -> None:
        """Wrap a staging."""
        self._staging = staging
        self.number = number

    def __repr__(self) -> str:
        """Name the batch."""
        return f"<StagedBatch {self.number} of run {self.run_id}>"

    @property
    def run_id(self) -> str:
        """Return the id of its run."""
        return self._staging.delivery.run_id

    @property
    def source(self) -> str:
        """Return the address of the source."""
        return self._staging.delivery.source.address

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the addresses of the destinations, in the order of the run."""
        return tuple(destination.address for destination in self._staging.delivery.destinations)

    @property
    def files(self) -> Iterator[StagedFile]:
        """Return the files without an error that are still to be written somewhere."""
        return (StagedFile(self._staging, transfer) for transfer in self._staging.to_write())

    @property
    def removals(self) -> Iterator[StagedFile]:
        """Return the files that are still to be removed somewhere; a dropped one stays there."""
        return (
            StagedFile(self._staging, transfer)
            for transfer in self._staging.transfers
            if transfer.removal and transfer.open_targets()
        )

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return the outcomes of its files so far, one for each file and destination."""
        return tuple(self._staging.outcomes())
