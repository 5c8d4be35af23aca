"""The spool: a listing on its way into the catalog, as pages on disk, each validated when written.

>>> with catalog.spool() as spool:                              # doctest: +SKIP
...     for entry in source.enumerate():
...         spool.add_entry(entry)
...     listing = spool.finish()

Names, sizes and times are checked here, once for every storage: a name that the catalog cannot
store becomes a gap, an impossible size or time is dropped with a note. Gaps are stored beside the
pages, so that every reader of the listing sees them.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.errors import CatalogBroken, InvalidInput
from catalog.inbox.listing_page import make_gaps_table, make_page
from catalog.model.gap import BOUND, NAME, Gap, Listed
from catalog.model.resource import LATEST_US, Resource
from catalog.paths import MAX_NAME_LENGTH, name_problem
from catalog.store.disk_errors import reporting_disk_errors
from catalog.store.parquet import write_table

PAGE_ROWS = 20_000  # rows in memory
MAX_GAPS = 10_000  # of one listing; with more, all of it counts as unseen
MAX_NOTES = 20  # files with a dropped size or time that are named
LARGEST_SIZE = 2**63 - 1  # bytes
MAX_NAME_SHOWN = 1000  # characters of a name that is too long
GAPS_FILE = "gaps.parquet"
STALE_S = 2 * 86_400  # a listing older than this was abandoned


@dataclass(frozen=True, slots=True)
class Listing:
    """A finished listing: its id, and how many resources, bytes and gaps it has.

    `notes` name the first files whose size or time was dropped, of `noted` in all.
    """

    listing_id: str
    count: int
    bytes: int
    gaps: int = 0
    notes: tuple[str, ...] = ()
    noted: int = 0


class Spool:
    """Collects resources one by one; at most one page of them is in memory."""

    __slots__ = (
        "_bytes",
        "_count",
        "_done",
        "_draft",
        "_final",
        "_gaps",
        "_noted",
        "_notes",
        "_parts",
        "_rows",
    )

    def __init__(self, folder: Path) -> None:
        """Keep the pages in a new folder below `folder`."""
        name = uuid.uuid4().hex
        self._final = folder / name
        self._draft = folder / f"{name}.draft"
        self._rows: list[tuple[str | int | None, ...]] = []
        self._gaps: dict[str, Gap] = {}
        self._notes: list[str] = []
        self._noted = 0
        self._parts = 0
        self._count = 0
        self._bytes = 0
        self._done = False

    def __enter__(self) -> Self:
        """Create the folder."""
        with reporting_disk_errors():
            self._draft.mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the folder unless the listing was finished."""
        if not self._done:
            shutil.rmtree(self._draft)

    def add_entry(self, listed: Listed) -> None:
        """Add an entry of a listing: a resource or a gap."""
        if isinstance(listed, Gap):
            self.add_gap(listed)
        else:
            self.add(listed)

    def add_gap(self, gap: Gap) -> None:
        """Add what could not be listed; once for each path."""
        if (whole := self._gaps.get("")) is not None and whole.below:
            return  # all is unknown already
        gap = replace(gap, path=as_storable_text(gap.path), why=as_storable_text(gap.why))
        known = self._gaps.get(gap.path)
        if known is None or (gap.below and not known.below):
            self._gaps[gap.path] = gap
        if len(self._gaps) > MAX_GAPS:
            why = f"more than {MAX_GAPS:,} names and folders could not be seen, {gap.path!r} last"
            self._gaps = {"": Gap("", why, BOUND, below=True)}

    def add(self, resource: Resource, path: str | None = None) -> None:
        """Add one resource; `path` is its name at the destination if that differs."""
        why = name_problem(resource.path)
        if why is not None:
            name = (
                resource.path
                if len(resource.path) <= MAX_NAME_LENGTH
                else resource.path[:MAX_NAME_SHOWN]
            )
            self.add_gap(Gap(name, f"the catalog cannot store its name: {why}", NAME))
            return
        digests = resource.digests
        modified_us, size = resource.modified_us, resource.size
        if modified_us is not None and not 0 <= modified_us <= LATEST_US:
            self._note(
                resource.path, f"its time, {modified_us:,} µs after 1970, is outside 1970-2106"
            )
            modified_us = None
        if size is not None and not 0 <= size <= LARGEST_SIZE:
            self._note(resource.path, f"its size, {size:,} bytes, is impossible")
            size = None
        self._rows.append(
            (
                resource.path if path is None else path,
                resource.path,
                size,
                _storable(resource.etag),
                modified_us,
                next((digest.value for digest in digests if digest.algorithm == "sha256"), None)
                if digests
                else None,
                ",".join(map(str, digests)) if digests else None,
                _storable(resource.content_type),
                json.dumps(dict(resource.properties), sort_keys=True)
                if resource.properties
                else None,
            )
        )
        self._bytes += size or 0
        if len(self._rows) >= PAGE_ROWS:
            self._flush()

    def finish(self) -> Listing:
        """Write the last page and publish the listing."""
        if self._rows or not self._parts:
            self._flush()
        with reporting_disk_errors():
            if self._gaps:
                write_table(make_gaps_table(self._gaps.values()), self._draft / GAPS_FILE)
            self._draft.rename(self._final)
        self._done = True
        return Listing(
            self._final.name,
            self._count,
            self._bytes,
            len(self._gaps),
            tuple(self._notes),
            self._noted,
        )

    def _note(self, path: str, what: str) -> None:
        self._noted += 1
        if len(self._notes) < MAX_NOTES:
            self._notes.append(f"{path!r}: {what}; the file is used without it")

    def _flush(self) -> None:
        page = make_page(self._rows)
        with reporting_disk_errors():
            write_table(page, self._draft / f"{self._parts:06d}.parquet")
        self._count += len(page)
        self._parts += 1
        self._rows = []


def as_storable_text(text: str) -> str:
    """Replace characters that cannot be stored."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{SYMBOL FOR NULL}")


def _storable(value: str | None) -> str | None:
    return value if value is None or value.isascii() else as_storable_text(value)


def page_files(folder: Path, listing_id: str) -> list[str]:
    """Return the files of a finished listing; `CatalogBroken` if it is missing."""
    if not listing_id.isalnum():
        raise InvalidInput(f"{listing_id!r} is not the id of a listing")
    files = sorted(str(path) for path in (folder / listing_id).glob("[0-9]*.parquet"))
    if not files:
        raise CatalogBroken(f"listing {listing_id!r} is no longer in the spool: run again")
    return files


def gaps_file(folder: Path, listing_id: str) -> str | None:
    """Return the file with the gaps of a finished listing; None if it has none."""
    page_files(folder, listing_id)  # raises if the listing is missing
    path = folder / listing_id / GAPS_FILE
    return str(path) if path.exists() else None


def remove_stale_listings(folder: Path) -> None:
    """Delete listings that a dead process left behind."""
    oldest = time.time() - STALE_S
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path)
        except FileNotFoundError:
            continue  # it was finished or deleted meanwhile
