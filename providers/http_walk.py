"""Walk directory pages with bounded threads: one page, or one batch of files, a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from catalog.errors import ResourceNotFound, UnexpectedReply
from catalog.paths import RESERVED, check_path
from catalog.resource import Resource
from providers.http_index import IndexEntry

DEEPEST = 100  # folders; deeper is a link that leads in a circle
BATCH = 16  # files asked for by one task of the pool, which costs as much as one request


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk asks: `page` lists a folder (None: gone), `stat` describes a file.

    Without `stat` a file is what its page says: a name, and an exact size where the page has one.
    """

    page: Callable[[str], list[IndexEntry] | None]
    stat: Callable[[str], Resource] | None
    threads: int
    recursive: bool
    _files: list[tuple[str, int | None]] = field(default_factory=list[tuple[str, int | None]])
    _folders: list[str] = field(default_factory=list[str])

    def below(self, folder: str, entries: list[IndexEntry]) -> Iterator[Resource]:
        """Yield every file of `folder`, whose page has these `entries`, and of what lies in it."""
        self._sort(folder, entries)
        running: set[Future[list[Resource]]] = set()
        pool = ThreadPoolExecutor(self.threads, "http-listing")
        try:
            while self._files or self._folders or running:
                while len(running) < 2 * self.threads and (self._files or self._folders):
                    running.add(self._start(pool))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    yield from one.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _start(self, pool: ThreadPoolExecutor) -> Future[list[Resource]]:
        if self._files:
            batch = self._files[-BATCH:]
            del self._files[-BATCH:]
            return pool.submit(self._describe, batch)
        return pool.submit(self._enter, self._folders.pop())

    def _sort(self, folder: str, entries: list[IndexEntry]) -> None:
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if path == RESERVED:
                continue
            check_path(path)
            if not entry.folder:
                self._files.append((path, entry.size))
            elif self.recursive:
                self._folders.append(path)

    def _enter(self, folder: str) -> list[Resource]:
        if folder.count("/") > DEEPEST:
            raise UnexpectedReply(f"the folders at {folder[:80]!r}… do not end", path=folder)
        self._sort(folder, self.page(folder) or [])  # list.append: safe from several threads
        return []

    def _describe(self, files: list[tuple[str, int | None]]) -> list[Resource]:
        """Ask for each file; one that has gone since the page was made is left out."""
        found: list[Resource] = []
        if self.stat is None:
            return [Resource(path, size) for path, size in files]
        for path, size in files:
            try:
                one = self.stat(path)
            except ResourceNotFound:
                continue
            found.append(replace(one, size=size) if one.size is None else one)
        return found
