"""Lists local folders: regular files only, symbolic links as configured."""

from __future__ import annotations

import errno
import os
import stat as stats
from collections.abc import Iterator
from enum import StrEnum

from catalog.errors import UnsafePath
from catalog.model.gap import Gap, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import RESERVED, is_below
from providers.local.files import describe
from providers.shared.os_errors import translate_os_error
from providers.shared.raw_names import to_printable, to_raw
from providers.shared.tree_walk import Folder, Found


class Symlinks(StrEnum):
    """How to handle symbolic links in listings."""

    INSIDE = "inside"
    FOLLOW = "follow"
    SKIP = "skip"


_MISSING_ERRNOS = (errno.ENOENT, errno.ELOOP)


class LocalLister:
    """Lists folders below `root`, without special files (pipes, devices, sockets)."""

    def __init__(self, root: str, symlinks: Symlinks) -> None:
        """List below `root`, an absolute path."""
        self._root = root
        self._real_root = os.path.realpath(root)
        self._symlinks = symlinks

    def folder(self, path: str) -> Folder:
        """Return the folder to start from."""
        place = f"{self._root}/{to_raw(path)}" if path else self._root
        return Folder(path, to_printable(os.path.realpath(place)))

    def __call__(self, folders: list[Folder]) -> Iterator[tuple[Folder, Iterator[Found]]]:
        """List some folders."""
        for folder in folders:
            yield folder, self._list_folder(folder)

    def _list_folder(self, folder: Folder) -> Iterator[Found]:
        place = f"{self._root}/{to_raw(folder.path)}" if folder.path else self._root
        prefix = f"{folder.path}/" if folder.path else ""
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    name = to_printable(entry.name)
                    if prefix + name == RESERVED:
                        continue
                    real = None if folder.real is None else f"{folder.real.rstrip('/')}/{name}"
                    found = self._describe_entry(entry, prefix + name, real)
                    if found is not None:
                        yield found
        except OSError as error:
            raise translate_os_error(error, folder.path) from error

    def _describe_entry(self, entry: os.DirEntry[str], path: str, real: str | None) -> Found | None:
        """Return one entry; None if it is not a file or no longer exists."""
        try:
            if entry.is_symlink():
                return self._describe_link(entry, path)
            if entry.is_dir():
                return Folder(path, real)
            info = entry.stat()
        except OSError as error:
            if error.errno in _MISSING_ERRNOS and not _exists(entry.path):
                return None  # deleted since the folder was read
            return gap_from_error(translate_os_error(error, path), path, below=True)
        return describe(path, info) if stats.S_ISREG(info.st_mode) else None

    def _describe_link(self, entry: os.DirEntry[str], path: str) -> Found | None:
        """Return the target of a link; None if links are skipped or it is broken."""
        if self._symlinks is Symlinks.SKIP:
            return None
        info = os.stat(entry.path)  # the caller handles errors
        if stats.S_ISREG(info.st_mode):
            found: Resource | Folder = describe(path, info)
        elif stats.S_ISDIR(info.st_mode):
            found = Folder(path, to_printable(os.path.realpath(entry.path)), link=True)
        else:
            return None
        if self._symlinks is Symlinks.INSIDE:
            real = os.path.realpath(entry.path)
            if not is_below(self._real_root.rstrip("/"), real):
                why = (
                    "this symbolic link leads out of the repository's root: "
                    "set symlinks to 'skip' or 'follow'"
                )
                return Gap(path, str(UnsafePath(path, why)), "unsafe-path", below=True)
        return found


def _exists(place: str) -> bool:
    """Check again whether a path exists; True if that is unknown."""
    try:
        os.stat(place)
    except OSError as error:
        return error.errno not in _MISSING_ERRNOS
    return True
