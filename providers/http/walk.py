"""Walks directory pages with bounded threads; each task is one page or one batch of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from catalog.errors import ResourceNotFound, StorageError, UnsafePath
from catalog.model.gap import BOUND, NAME, Gap, Listed, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.http.directory_pages import HttpPages, PageEntryKind
from providers.http.index_parser import IndexEntry

MAX_DEPTH = 100  # folders; deeper ones are links that form a loop
BATCH = 16  # files per task, because a task of the pool costs as much as a request


@dataclass(frozen=True, slots=True)
class DirectoryWalk:
    """A walk: lists folders with `pages` and files with `stat`.

    Without `stat`, files have only the name, and the exact size if the page has one.
    """

    pages: HttpPages
    stat: Callable[[str], Resource] | None
    threads: int
    recursive: bool
    _files: list[tuple[str, int | None]] = field(default_factory=list[tuple[str, int | None]])
    _folders: list[str] = field(default_factory=list[str])
    _gaps: list[Gap] = field(default_factory=list[Gap])

    def run(self, folder: str, entries: list[IndexEntry]) -> Iterator[Listed]:
        """Yield every file at or below `folder`, whose page has these `entries`."""
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
        """Separate files from folders; list.append is thread-safe."""
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
        """Read the page of a folder that its parent lists; return a gap if that fails."""
        if folder.count("/") > MAX_DEPTH:
            why = f"it is more than {MAX_DEPTH} folders deep, probably because of a link loop"
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
            return [] if gone else [gap_from_error(error, folder, below=True)]
        self._sort(folder, entries)
        return []

    def _describe(self, files: list[tuple[str, int | None]]) -> list[Listed]:
        """Request each file's metadata; omit files that the page no longer lists."""
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
                    found.append(gap_from_error(error, path, below=False))
                continue
            found.append(replace(one, size=size) if one.size is None else one)
        return found


def _missing(error: StorageError) -> bool:
    return isinstance(error, ResourceNotFound)
