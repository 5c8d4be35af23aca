"""Walks a folder tree, in the same way for every protocol.

The storage lists folders; what cannot be listed becomes a gap here, so nothing is left out
silently. Each real folder is listed once, at its real path: a link to a folder that is listed
anyway is skipped, one that leads elsewhere is followed once. Depth and number are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from catalog.errors import ResourceNotFound, StorageError, UnexpectedReply
from catalog.model.gap import BOUND, Gap, Listed, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import is_below
from providers.shared.temporary_names import is_temporary

MAX_DEPTH = 200  # nested folders
MAX_ENTRIES = 1_000_000_000  # per walk


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to list: its path below the root of the storage ('' is the root).

    `real` is its resolved path, in storages that follow links; `link` is true if it is a link.
    """

    path: str
    real: str | None = None
    link: bool = False


Found: TypeAlias = Resource | Folder | Gap
ListFolders: TypeAlias = Callable[[list[Folder]], Iterable[tuple[Folder, Iterable[Found]]]]
"""List some folders; iterating the entries of one may raise `StorageError`."""


def walk(
    start: Folder,
    list_folders: ListFolders,
    *,
    recursive: bool = True,
    batch_size: int = 1,
    temporary: bool = False,
) -> Iterator[Listed]:
    """Yield every file below a folder, and a gap for everything that cannot be listed.

    Temporary files of writers are left out, or with `temporary` the only files that are listed.
    A missing start folder below the root yields nothing.

    Raises:
        StorageError: the start folder cannot be listed, or the error is retryable: restart the
            listing.
    """
    listed = _Walk(start, list_folders, recursive=recursive, batch_size=batch_size).run()
    return (one for one in listed if isinstance(one, Gap) or is_temporary(one.path) is temporary)


class _Walk:
    def __init__(
        self, start: Folder, list_folders: ListFolders, *, recursive: bool, batch_size: int
    ) -> None:
        self._start, self._list_folders = start, list_folders
        self._recursive, self._batch_size = recursive, batch_size
        self._folders = [start]
        self._links: list[Folder] = []
        self._outside: set[str] = set()  # real folders outside the start that links led to
        self._retried: set[str] = set()  # folders that were missing the first time
        self._entries = 0

    def run(self) -> Iterator[Listed]:
        while self._folders or self._enqueue_next_link():
            some = [self._folders.pop() for _ in range(min(self._batch_size, len(self._folders)))]
            for folder, found in self._list_folders(some):
                yield from self._walk_folder(folder, found)

    def _walk_folder(self, folder: Folder, found: Iterable[Found]) -> Iterator[Listed]:
        """Yield the files of one folder and enqueue its folders; yield a gap for an error."""
        before = self._entries
        try:
            for one in found:
                self._entries += 1
                if self._entries > MAX_ENTRIES:
                    raise UnexpectedReply(f"the listing has more than {MAX_ENTRIES:,} entries")
                if isinstance(one, Folder):
                    yield from self._enqueue(one)
                else:
                    yield one
        except StorageError as error:
            missing = isinstance(error, ResourceNotFound) and self._entries == before
            if folder == self._start and folder.path and missing:
                return  # a missing prefix
            if folder == self._start or error.retryable or self._entries > MAX_ENTRIES:
                raise
            if not missing:
                yield gap_from_error(error, folder.path, below=True)
            elif folder.path not in self._retried:
                self._retried.add(folder.path)
                self._folders.append(folder)
            elif self._parent_lists(folder):
                why = f"its parent lists it, but it cannot be found: {error}"
                yield Gap(folder.path, why, error.code, below=True)

    def _enqueue(self, folder: Folder) -> Iterator[Listed]:
        if not self._recursive:
            return
        if folder.path.count("/") >= MAX_DEPTH:
            why = f"it is more than {MAX_DEPTH} folders deep"
            yield Gap(folder.path, why, BOUND, below=True)
        elif folder.link:
            self._links.append(folder)
        elif self._is_unlisted(folder):
            self._folders.append(folder)

    def _is_unlisted(self, folder: Folder) -> bool:
        """Return whether the real folder has not been, and will not otherwise be, listed."""
        if folder.real is None or folder.real in self._outside:
            return folder.real is None
        root = self._start.real
        if root is None or not is_below(root, folder.real):
            self._outside.add(folder.real)
            return True
        # Below the start it is listed at its real path, which is here unless a link led here.
        return folder.path == self._path_of(root, folder.real)

    def _path_of(self, root: str, real: str) -> str:
        inside = real[len(root) :].lstrip("/")
        return "/".join(part for part in (self._start.path, inside) if part)

    def _enqueue_next_link(self) -> bool:
        """Enqueue the next link whose folder is not listed otherwise, if there is one."""
        self._links.sort(key=lambda one: one.path, reverse=True)
        while self._links:
            link = self._links.pop()
            if self._is_unlisted(link):
                self._folders.append(link)
                return True
        return False

    def _parent_lists(self, folder: Folder) -> bool:
        """Return whether the parent still lists a missing folder; True if that is unknown."""
        parent = Folder(folder.path.rpartition("/")[0])
        try:
            return any(
                not isinstance(one, Gap) and one.path == folder.path
                for _, found in self._list_folders([parent])
                for one in found
            )
        except StorageError:
            return True
