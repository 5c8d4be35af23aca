"""A folder that is written beside its goal, under a name that says that it is not whole.

Whoever writes it holds a lock on it. A process that is killed lets go of its lock: the next that
writes a draft beside the same goal removes what nobody holds, and files that got their names from
such a draft when others of it had none yet.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

DRAFT_SUFFIX = ".partial"
_NAMES_FILE = "naming"  # in a draft: what is about to get its name beside it


@contextmanager
def create_draft(parent: Path) -> Generator[Path]:
    """Yield a new folder in `parent`, which has to be there; it may be renamed, else it goes."""
    remove_abandoned_drafts(parent)
    while (held := _create_locked(parent / f".entrepot-{uuid4().hex}{DRAFT_SUFFIX}")) is None:
        pass
    made, descriptor = held
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


def _create_locked(draft: Path) -> tuple[Path, int] | None:
    """Make a draft and hold it; None where a sweeper came between."""
    draft.mkdir()
    try:
        descriptor = os.open(draft, os.O_RDONLY)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    if draft.exists():
        return draft, descriptor
    os.close(descriptor)
    return None


def publish_files(draft: Path, names: Sequence[tuple[Path, str]]) -> None:
    """Give files of a draft their names beside it: all of them, or none however this ends.

    The last is the mark that the others are there.
    """
    told = [(name, _file_identity(file)) for file, name in names]
    (draft / _NAMES_FILE).write_text(json.dumps(told))
    try:
        for file, name in names:
            file.rename(draft.parent / name)
    except BaseException:
        _undo_publish(draft)
        raise


def _undo_publish(draft: Path) -> None:
    """Remove what got its name from a draft, unless all did."""
    try:
        told: list[tuple[str, list[int]]] = json.loads((draft / _NAMES_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return  # it named nothing, or was killed before
    named = [
        draft.parent / name for name, marks in told if _file_identity(draft.parent / name) == marks
    ]
    if not told or draft.parent / told[-1][0] in named:
        return
    for one in named:
        one.unlink(missing_ok=True)


def _file_identity(file: Path) -> list[int]:
    """Return what tells a file from any other that bears its name later."""
    with suppress(FileNotFoundError):
        told = file.lstat()
        return [told.st_ino, told.st_size, told.st_mtime_ns]
    return []


def remove_abandoned_drafts(parent: Path) -> None:
    """Remove the drafts of those who were killed."""
    for one in parent.glob(f".entrepot-*{DRAFT_SUFFIX}"):
        try:
            descriptor = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # it got its name meanwhile, or it is no draft of ours
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # somebody writes it, or nobody can tell
        else:
            _undo_publish(one)
            shutil.rmtree(one, ignore_errors=True)
        finally:
            os.close(descriptor)
