"""Puts a backup in the catalog's place, and what stood there aside; nothing of it is deleted.

A mark beside the catalog (`restoring.json`) is written before anything moves and taken away after
everything has: while it is there nobody opens the catalog, so that a restore that was broken off is
neither the old catalog nor the new one to anybody. The same restore, given again, goes on.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from catalog.backup.create import FILE, KEY, QUARANTINE, Backup, read_backup
from catalog.backup.verify_file import audit_all_tenants, wal_of
from catalog.catalog import Catalog
from catalog.errors import CatalogBroken, CatalogError, InvalidInput
from catalog.store.audit import Audit
from catalog.store.database import RESTORE_MARKER
from catalog.store.destination_locks import count_held_locks, destination_locks
from catalog.store.fsync import fsync_path

MOVED_FOLDERS = ("inbox", "spool", QUARANTINE)
"""Folders beside the catalog whose files belong to what it knows."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands now, and where what stood before lies."""

    backup: Backup
    audit: Audit
    aside: Path | None
    orders: int  # that waited for the catalog that stood before, and lie with it


@dataclass(frozen=True, slots=True)
class _RestoreMarker:
    """What a restore under way moves, and whither."""

    aside: str
    moves: tuple[str, ...]  # relative to the folder of the catalog's file


_MARKER_ADAPTER = TypeAdapter(_RestoreMarker)


def restore(catalog: Catalog, source: Path, *, replace: bool) -> Restored:
    """Let the catalog be what a backup holds.

    Raises:
        InvalidInput: it is no backup, one stands here and `replace` does not say to put it aside,
            or runs are under way.
        CatalogBroken: the backup cannot be opened by this program, or the disk refused it.
        CatalogTimeout: somebody holds the catalog all the time.
    """
    with destination_locks(catalog.folder / "restoring", ["restore"], _keep_waiting):
        return _restore_locked(catalog, source, read_backup(source), replace=replace)


def _keep_waiting() -> None:
    """Wait for the restore that is under way."""


def _restore_locked(catalog: Catalog, source: Path, backup: Backup, *, replace: bool) -> Restored:
    path, mark = catalog.path, catalog.folder / RESTORE_MARKER
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.restoring")
    try:
        for left in path.parent.glob(f".{path.name}.*.restoring*"):
            left.unlink() if left.is_file() else shutil.rmtree(left)
        _stage(source, backup, staged)
        audit = audit_all_tenants(staged, staged.with_name(f"{staged.name}.tmp"))
        with catalog.exclusive():
            before = _read_marker(mark)
            if before is None and not replace:
                _refuse_existing(catalog)
            if busy := count_held_locks(catalog.folder / "turns"):
                raise InvalidInput(
                    f"{busy} runs are writing to destinations now: pause the work pool, wait for "
                    "them, and restore again"
                )
            return Restored(backup, audit, *_swap_in(catalog, before, staged, source, backup))
    except CatalogError:
        raise  # some are an OSError, too
    except OSError as error:
        raise CatalogBroken(f"{str(source)!r} cannot be restored: {error}") from error
    finally:
        for left in (staged, wal_of(staged)):
            left.unlink(missing_ok=True)
        shutil.rmtree(staged.with_name(f"{staged.name}.tmp"), ignore_errors=True)


def _refuse_existing(catalog: Catalog) -> None:
    waiting = len(_queued_files(catalog.folder))
    if catalog.path.exists() or waiting:
        raise InvalidInput(
            f"{str(catalog.path)!r} is a catalog already, and {waiting} orders wait for it: "
            "say --replace to put it aside, beside the one that takes its place"
        )


def _stage(source: Path, backup: Backup, staged: Path) -> None:
    names = {part.name for part in backup.parts}
    for name, to in ((FILE, staged), (wal_of(Path(FILE)).name, wal_of(staged))):
        if name in names:
            shutil.copyfile(source / name, to)
            fsync_path(to)
    if not staged.exists():
        raise InvalidInput(f"the backup {str(source)!r} has no {FILE}")


def _swap_in(
    catalog: Catalog, before: _RestoreMarker | None, staged: Path, source: Path, backup: Backup
) -> tuple[Path | None, int]:
    """Move the old away and the new in, under a mark; return where the old lies."""
    path, beside = catalog.path, catalog.folder
    root, mark = path.parent, beside / RESTORE_MARKER
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside = root / (before.aside if before else f"{path.name}.before-{stamp}")
    found = _files_to_move(catalog, first=before is None)
    moves = tuple(dict.fromkeys([*(before.moves if before else ()), *found]))
    _write_marker(mark, _RestoreMarker(aside.name, moves))
    for name in moves:
        _move_once(root / name, aside / name)
    for one in (path, wal_of(path)):
        one.unlink(missing_ok=True)  # what a restore that was broken off had put there
    if wal_of(staged).exists():
        wal_of(staged).rename(wal_of(path))
    staged.rename(path)
    for part in backup.parts:
        if part.name == KEY and (beside / KEY).exists():
            continue  # it may be newer: with the old one, links that were ended would open again
        if part.name == KEY or part.name.startswith(f"{QUARANTINE}/"):
            shutil.copyfile(source / part.name, beside / part.name)
            (beside / part.name).chmod(0o600 if part.name == KEY else 0o644)
            fsync_path(beside / part.name)
    for folder in (beside / QUARANTINE, beside / "inbox", beside, root):
        fsync_path(folder)
    mark.unlink()
    fsync_path(beside)
    orders = sum(f"{beside.name}/inbox/" in name for name in moves)
    return aside if moves else None, orders


def _files_to_move(catalog: Catalog, *, first: bool) -> Iterator[str]:
    """Return what belongs to the catalog that stands; of one broken off, only what came since."""
    path, beside = catalog.path, catalog.folder
    if first:
        yield from (one.name for one in (path, wal_of(path)) if one.exists())
    for folder in MOVED_FOLDERS if first else ("inbox",):
        for one in sorted((beside / folder).iterdir()):
            yield f"{beside.name}/{folder}/{one.name}"


def _queued_files(beside: Path) -> Sequence[Path]:
    return list((beside / "inbox").iterdir())


def _move_once(old: Path, new: Path) -> None:
    """Move a file once: what lies there already was moved by a restore that was broken off."""
    if new.exists() or not old.exists():
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)
    fsync_path(new.parent)


def _read_marker(mark: Path) -> _RestoreMarker | None:
    try:
        return _MARKER_ADAPTER.validate_json(mark.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise CatalogBroken(f"{str(mark)!r} cannot be read: {error}") from error


def _write_marker(mark: Path, value: _RestoreMarker) -> None:
    draft = mark.with_name(f"{mark.name}.{uuid.uuid4().hex[:12]}.part")
    draft.write_text(json.dumps({"aside": value.aside, "moves": value.moves}))
    fsync_path(draft)
    draft.replace(mark)
    fsync_path(mark.parent)
