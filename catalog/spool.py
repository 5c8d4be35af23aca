"""A listing on its way into the catalog: pages on disk, each checked as it is written.

>>> with catalog.spool() as spool:                              # doctest: +SKIP
...     for resource in source.enumerate():
...         spool.add(resource)
...     listing = spool.finish()
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.errors import CatalogBroken, InvalidInput
from catalog.listing_page import make_page
from catalog.resource import Resource

PAGE = 20_000  # rows held in memory
STALE_S = 2 * 86_400  # a spool older than this belongs to nobody


@dataclass(frozen=True, slots=True)
class Listing:
    """A finished listing: its id, and how many resources and bytes it names."""

    listing_id: str
    count: int
    bytes: int


class Spool:
    """Takes resources one by one; holds one page of them, whatever their number."""

    __slots__ = ("_bytes", "_count", "_done", "_draft", "_final", "_parts", "_rows")

    def __init__(self, folder: Path) -> None:
        """Keep the pages in a new folder below `folder`."""
        name = uuid.uuid4().hex
        self._final = folder / name
        self._draft = folder / f"{name}.draft"
        self._rows: list[tuple[str | int | None, ...]] = []
        self._parts = 0
        self._count = 0
        self._bytes = 0
        self._done = False

    def __enter__(self) -> Self:
        """Make the folder."""
        self._draft.mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind unless the listing was finished."""
        if not self._done:
            shutil.rmtree(self._draft)

    def add(self, resource: Resource, path: str | None = None) -> None:
        """Take one resource; `path` is its name at the destination where that differs."""
        digests = resource.digests
        self._rows.append(
            (
                resource.path if path is None else path,
                resource.path,
                resource.size,
                resource.etag,
                resource.modified_us,
                next((one.value for one in digests if one.algorithm == "sha256"), None)
                if digests
                else None,
                ",".join(map(str, digests)) if digests else None,
                resource.content_type,
                json.dumps(dict(resource.properties), sort_keys=True)
                if resource.properties
                else None,
            )
        )
        self._bytes += resource.size or 0
        if len(self._rows) >= PAGE:
            self._flush()

    def finish(self) -> Listing:
        """Write the last page and give the listing its name."""
        if self._rows or not self._parts:
            self._flush()
        self._draft.rename(self._final)
        self._done = True
        return Listing(self._final.name, self._count, self._bytes)

    def _flush(self) -> None:
        page = make_page(self._rows)
        page.write_parquet(self._draft / f"{self._parts:06d}.parquet", compression="lz4")
        self._count += len(page)
        self._parts += 1
        self._rows = []


def parts(folder: Path, listing_id: str) -> list[str]:
    """Return the files of a finished listing; `CatalogBroken` when it is gone."""
    if not listing_id.isalnum():
        raise InvalidInput(f"{listing_id!r} is not the id of a listing")
    files = sorted(str(path) for path in (folder / listing_id).glob("*.parquet"))
    if not files:
        raise CatalogBroken(f"listing {listing_id!r} is gone from the spool")
    return files


def sweep(folder: Path) -> None:
    """Remove listings that a dead process left behind."""
    oldest = time.time() - STALE_S
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path)
        except FileNotFoundError:
            continue  # it was finished or dropped meanwhile
