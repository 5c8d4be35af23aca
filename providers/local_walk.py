"""Walking a local folder: regular files only, symbolic links as the repository says."""

from __future__ import annotations

import os
import stat as stats
from collections.abc import Iterator
from enum import StrEnum

from catalog.errors import UnsafePath
from catalog.paths import RESERVED, check_path
from catalog.resource import Resource
from providers.local_files import describe, translated


class Symlinks(StrEnum):
    """What to do with symbolic links when listing."""

    INSIDE = "inside"
    FOLLOW = "follow"
    SKIP = "skip"


class Walk:
    """One listing of a folder; what vanishes meanwhile is left out."""

    def __init__(self, root: str, symlinks: Symlinks, *, recursive: bool) -> None:
        """Walk below `root`, a path without symbolic links."""
        self._real_root = root
        self._symlinks = symlinks
        self._recursive = recursive

    def files(
        self, folder: str, prefix: str, above: frozenset[str] = frozenset()
    ) -> Iterator[Resource]:
        """Yield the files in `folder`, named below `prefix`; `above` are links it came by."""
        folders: list[tuple[str, str, frozenset[str]]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = prefix + entry.name
                    if path == RESERVED:
                        continue
                    if entry.is_symlink() and not self._follows(entry, path):
                        continue
                    if entry.is_dir():
                        if self._recursive:
                            seen = above
                            if entry.is_symlink():
                                real = os.path.realpath(entry.path)
                                if real in above or entry.path.startswith(real + "/"):
                                    continue  # a link to a folder above itself
                                seen = above | {real}
                            folders.append((entry.path, path + "/", seen))
                    else:
                        info = entry.stat()
                        if stats.S_ISREG(info.st_mode):
                            yield describe(check_path(path), info)
        except FileNotFoundError:
            return  # a folder or file that went away while it was listed
        except OSError as error:
            raise translated(error, prefix.rstrip("/")) from error
        for path, below, seen in folders:
            yield from self.files(path, below, seen)

    def _follows(self, entry: os.DirEntry[str], path: str) -> bool:
        if self._symlinks is Symlinks.SKIP or not os.path.exists(entry.path):
            return False
        if self._symlinks is Symlinks.INSIDE:
            real = os.path.realpath(entry.path)
            if real != self._real_root and not real.startswith(self._real_root + "/"):
                raise UnsafePath(
                    path,
                    "this symbolic link leads out of its root; "
                    "set the repository's symlinks to 'skip' or 'follow'",
                )
        return True
