"""Draft folders: output goes into a temporary folder beside its target and is renamed at the end.

The writer holds a lock on its draft. When a process is killed, the kernel releases the lock: the
next writer beside the same target deletes unlocked drafts, and files that such a draft had
published only in part.
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
_NAMES_FILE = "naming"  # in a draft: the files that are about to be published


@contextmanager
def create_draft(parent: Path) -> Generator[Path]:
    """Yield a new folder in `parent`, which must exist; it is deleted unless it was renamed."""
    remove_abandoned_drafts(parent)
    while (held := _create_locked(parent / f".entrepot-{uuid4().hex}{DRAFT_SUFFIX}")) is None:
        pass
    draft, descriptor = held
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(descriptor)


def _create_locked(draft: Path) -> tuple[Path, int] | None:
    """Create a draft and lock it; None if another process deleted it in between."""
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
    """Move files of a draft to their names beside it: all of them, or none, however this ends.

    The last one shows that the others are there.
    """
    planned = [(name, _file_identity(file)) for file, name in names]
    (draft / _NAMES_FILE).write_text(json.dumps(planned))
    try:
        for file, name in names:
            file.rename(draft.parent / name)
    except BaseException:
        _undo_publish(draft)
        raise


def _undo_publish(draft: Path) -> None:
    """Delete the files that a draft published, unless it published all of them."""
    try:
        planned: list[tuple[str, list[int]]] = json.loads((draft / _NAMES_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return  # it published nothing
    published = [
        draft.parent / name
        for name, marks in planned
        if _file_identity(draft.parent / name) == marks
    ]
    if not planned or draft.parent / planned[-1][0] in published:
        return
    for one in published:
        one.unlink(missing_ok=True)


def _file_identity(file: Path) -> list[int]:
    """Return what distinguishes a file from a later one of the same name."""
    with suppress(FileNotFoundError):
        status = file.lstat()
        return [status.st_ino, status.st_size, status.st_mtime_ns]
    return []


def remove_abandoned_drafts(parent: Path) -> None:
    """Delete the drafts of killed processes."""
    for one in parent.glob(f".entrepot-*{DRAFT_SUFFIX}"):
        try:
            descriptor = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # it was renamed meanwhile, or is not a draft
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # it is in use, or cannot be locked
        else:
            _undo_publish(one)
            shutil.rmtree(one, ignore_errors=True)
        finally:
            os.close(descriptor)
