"""Walk directory pages with bounded threads: one page, or one batch of files, a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from catalog.errors import ResourceNotFound, StorageError, UnsafePath
from catalog.model.gap import BOUND, NAME, Gap, Listed, gap_of
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.http.directory_pages import HttpPages, PageEntryKind
from providers.http.index_parser import IndexEntry

MAX_DEPTH = 100  # folders; deeper is a link that leads in a circle
BATCH = 16  # files asked for by one task of the pool, which costs as much as one request


@dataclass(frozen=True, slots=True)
class DirectoryWalk:
    """What a walk asks: `pages` for folders, `stat` for what a file is.

    Without `stat` a file is what its page says: a name, and an exact size where the page has one.
    """

    pages: HttpPages
    stat: Callable[[str], Resource] | None
    threads: int
    recursive: bool
    _files: list[tuple[str, int | None]] = field(default_factory=list[tuple[str, int | None]])
    _folders: list[str] = field(default_factory=list[str])
    _gaps: list[Gap] = field(default_factory=list[Gap])

    def run(self, folder: str, entries: list[IndexEntry]) -> Iterator[Listed]:
        """Yield every file of `folder`, whose page has these `entries`, and of what lies in it."""
        self._sort(folder, entries)
        running: set[Future[list[Listed]]] = set()
        pool = ThreadPoolExecutor(self.threads, "http-listing")
        try:
            while self._files or self._folders or running:
                while len(running) < 2 * self.threads and (self._files or self._folders):
                    running.add(self._start(pool))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    yield from one.result()
            yield from self._gaps
        finally:
            pool.shutdown(cancel_futures=True)

    def _start(self, pool: ThreadPoolExecutor) -> Future[list[Listed]]:
        if self._files:
            batch = self._files[-BATCH:]
            del self._files[-BATCH:]
            return pool.submit(self._describe, batch)
        return pool.submit(self._list_folder, self._folders.pop())

    def _sort(self, folder: str, entries: list[IndexEntry]) -> None:
        """Part files from folders; list.append is safe from several threads."""
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if path == RESERVED:
                continue
            try:
                check_path(path)
            except UnsafePath as error:
                self._gaps.append(Gap(path, str(error), NAME, below=True))
                continue
            if not entry.folder:
                self._files.append((path, entry.size))
            elif self.recursive:
                self._folders.append(path)

    def _list_folder(self, folder: str) -> list[Listed]:
        """Read the page of a folder that its parent lists; one that cannot be read is a gap."""
        if folder.count("/") > MAX_DEPTH:
            why = f"it lies over {MAX_DEPTH} folders deep, as links in a circle do"
            return [Gap(folder, why, BOUND, below=True)]
        try:
            try:
                entries = self.pages.list_folder(folder)
            except ResourceNotFound:
                entries = self.pages.list_folder(folder)
        except StorageError as error:
            if error.retryable:
                raise
            gone = _missing(error) and not self.pages.is_listed(folder, PageEntryKind.FOLDER)
            return [] if gone else [gap_of(error, folder, below=True)]
        self._sort(folder, entries)
        return []

    def _describe(self, files: list[tuple[str, int | None]]) -> list[Listed]:
        """Ask for each file; one that its page does not list any more is left out."""
        if self.stat is None:
            return [Resource(path, size) for path, size in files]
        found: list[Listed] = []
        for path, size in files:
            try:
                one = self.stat(path)
            except StorageError as error:
                if error.retryable:
                    raise
                if not (_missing(error) and not self.pages.is_listed(path, PageEntryKind.FILE)):
                    found.append(gap_of(error, path, below=False))
                continue
            found.append(replace(one, size=size) if one.size is None else one)
        return found


def _missing(error: StorageError) -> bool:
    return isinstance(error, ResourceNotFound)
