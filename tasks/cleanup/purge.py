"""Purge: remove entries of a local folder, with everything below them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from catalog.paths import RESERVED
from orchestration.task import task
from providers.shared.os_errors import translate_os_error


@dataclass(frozen=True, slots=True)
class PurgedEntry:
    """An entry that was, or would be, removed: its name, and the bytes of all files in it."""

    name: str
    bytes: int


@task("purge-folder")
def purge_folder(folder: str, name: str | None, keep: str, *, dry_run: bool) -> list[PurgedEntry]:
    """Remove the entry `name`, or else all entries except those that match `keep` and our own."""
    gone: list[PurgedEntry] = []
    for entry in sorted(_entries(Path(folder), name, keep)):
        try:
            size = _size(entry)
            if not dry_run:
                _remove(entry)
        except FileNotFoundError:
            continue  # removed by another process
        except OSError as error:
            raise translate_os_error(error, str(entry)) from error
        gone.append(PurgedEntry(entry.name, size))
    return gone


def is_kept(name: str, keep: str) -> bool:
    """Say whether an entry stays when all are removed: it matches `keep`, or is our own."""
    return name == RESERVED or fnmatchcase(name, keep)


def _entries(folder: Path, name: str | None, keep: str) -> Iterator[Path]:
    if name is not None:
        yield folder / name
        return
    try:
        for entry in folder.iterdir():
            if not is_kept(entry.name, keep):
                yield entry
    except OSError as error:
        raise translate_os_error(error, str(folder)) from error


def _size(entry: Path) -> int:
    size = 0 if entry.is_dir() and not entry.is_symlink() else entry.lstat().st_size
    if not entry.is_symlink():
        for folder, _, names in os.walk(entry):
            for name in names:
                with suppress(FileNotFoundError):
                    size += (Path(folder) / name).lstat().st_size
    return size


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
