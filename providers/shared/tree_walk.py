"""Walking the folders of a tree: one way for every protocol, so that nothing is left out unsaid.

A storage looks into a folder and says what it finds; what cannot be seen becomes a gap here. Each
real folder is listed once, where it really lies: a link to a folder that is listed anyway is
passed over, one that leads elsewhere is followed once. Depth and number are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from catalog.errors import ResourceNotFound, StorageError, UnexpectedReply
from catalog.model.gap import BOUND, Gap, Listed, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import is_below

DEEPEST = 200  # folders in one another
MOST = 1_000_000_000  # entries of one walk


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to look into: its path below the root of the storage ('' is that root).

    `real` is where it really lies, where links may lead to it; `link` says that one does.
    """

    path: str
    real: str | None = None
    link: bool = False


Found: TypeAlias = Resource | Folder | Gap
Look: TypeAlias = Callable[[list[Folder]], Iterable[tuple[Folder, Iterable[Found]]]]
"""Say what each of some folders holds; reading what one holds may raise `StorageError`."""


def walk(
    start: Folder, look: Look, *, recursive: bool = True, at_once: int = 1
) -> Iterator[Listed]:
    """Yield every file below a folder, and a gap for whatever could not be seen.

    A start below the root that is not there yields nothing.

    Raises:
        StorageError: the start itself cannot be looked into, or another try may help: the listing
            has to begin anew.
    """
    return _Walk(start, look, recursive=recursive, at_once=at_once).listed()


class _Walk:
    def __init__(self, start: Folder, look: Look, *, recursive: bool, at_once: int) -> None:
        self._start, self._look = start, look
        self._recursive, self._at_once = recursive, at_once
        self._folders = [start]
        self._links: list[Folder] = []
        self._elsewhere: set[str] = set()  # where links outside of the start have led
        self._asked_again: set[str] = set()  # folders that were not there at the first look
        self._entries = 0

    def listed(self) -> Iterator[Listed]:
        while self._folders or self._next_link():
            some = [self._folders.pop() for _ in range(min(self._at_once, len(self._folders)))]
            for folder, found in self._look(some):
                yield from self._inside(folder, found)

    def _inside(self, folder: Folder, found: Iterable[Found]) -> Iterator[Listed]:
        """Yield the files of one folder; remember its folders; what cannot be seen is a gap."""
        before = self._entries
        try:
            for one in found:
                self._entries += 1
                if self._entries > MOST:
                    raise UnexpectedReply(f"the listing does not end: over {MOST:,} entries")
                if isinstance(one, Folder):
                    yield from self._remember(one)
                else:
                    yield one
        except StorageError as error:
            missing = isinstance(error, ResourceNotFound) and self._entries == before
            if folder == self._start and folder.path and missing:
                return  # a prefix that is not there
            if folder == self._start or error.retryable or self._entries > MOST:
                raise
            if not missing:
                yield gap_from_error(error, folder.path, below=True)
            elif folder.path not in self._asked_again:
                self._asked_again.add(folder.path)
                self._folders.append(folder)
            elif self._parent_lists(folder):
                why = f"its parent lists it, but it cannot be found: {error}"
                yield Gap(folder.path, why, error.code, below=True)

    def _remember(self, folder: Folder) -> Iterator[Listed]:
        if not self._recursive:
            return
        if folder.path.count("/") >= DEEPEST:
            why = f"it lies over {DEEPEST} folders deep"
            yield Gap(folder.path, why, BOUND, below=True)
        elif folder.link:
            self._links.append(folder)
        elif self._is_new(folder):
            self._folders.append(folder)

    def _is_new(self, folder: Folder) -> bool:
        """Say whether a folder's real place is not listed yet, and will not be for itself."""
        if folder.real is None or folder.real in self._elsewhere:
            return folder.real is None
        root = self._start.real
        if root is None or not is_below(root, folder.real):
            self._elsewhere.add(folder.real)
            return True
        # Below the start: listed where it really lies, which is here unless a link led here.
        return folder.path == self._path_of(root, folder.real)

    def _path_of(self, root: str, real: str) -> str:
        inside = real[len(root) :].lstrip("/")
        return "/".join(part for part in (self._start.path, inside) if part)

    def _next_link(self) -> bool:
        """Follow the next link whose folder is not listed otherwise, if there is one."""
        self._links.sort(key=lambda one: one.path, reverse=True)
        while self._links:
            link = self._links.pop()
            if self._is_new(link):
                self._folders.append(link)
                return True
        return False

    def _parent_lists(self, folder: Folder) -> bool:
        """Say whether the parent of a missing folder still names it; unknown counts as yes."""
        parent = Folder(folder.path.rpartition("/")[0])
        try:
            return any(
                not isinstance(one, Gap) and one.path == folder.path
                for _, found in self._look([parent])
                for one in found
            )
        except StorageError:
            return True
