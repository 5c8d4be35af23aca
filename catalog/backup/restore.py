"""Restores a backup in the catalog's place; the old catalog is moved aside, never deleted.

A marker beside the catalog (`restoring.json`) exists while files move. Nobody opens the catalog
meanwhile, so that an interrupted restore is never taken for the old catalog or the new one.
Repeating the same restore resumes it.
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
"""Folders beside the catalog whose files belong to its content."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The restored backup, and where the old catalog was moved to."""

    backup: Backup
    audit: Audit
    aside: Path | None
    orders: int  # that were queued for the old catalog, and moved with it


@dataclass(frozen=True, slots=True)
class _RestoreMarker:
    """Which files a restore under way moves, and where to."""

    aside: str
    moves: tuple[str, ...]  # relative to the folder of the catalog's file


_MARKER_ADAPTER = TypeAdapter(_RestoreMarker)


def restore(catalog: Catalog, source: Path, *, replace: bool) -> Restored:
    """Replace the catalog by a backup.

    Raises:
        InvalidInput: it is not a backup, a catalog exists and `replace` is false, or runs are
            under way.
        CatalogBroken: this program cannot open the backup, or the disk refused it.
        CatalogTimeout: the catalog stayed locked.
    """
    with destination_locks(catalog.folder / "restoring", ["restore"], _keep_waiting):
        return _restore_locked(catalog, source, read_backup(source), replace=replace)


def _keep_waiting() -> None:
    """Wait without limit for the restore that is under way."""


def _restore_locked(catalog: Catalog, source: Path, backup: Backup, *, replace: bool) -> Restored:
    path, mark = catalog.path, catalog.folder / RESTORE_MARKER
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.restoring")
    try:
        for stale in path.parent.glob(f".{path.name}.*.restoring*"):
            stale.unlink() if stale.is_file() else shutil.rmtree(stale)
        _stage(source, backup, staged)
        audit = audit_all_tenants(staged, staged.with_name(f"{staged.name}.tmp"))
        with catalog.exclusive():
            before = _read_marker(mark)
            if before is None and not replace:
                _refuse_existing(catalog)
            if busy := count_held_locks(catalog.folder / "turns"):
                raise InvalidInput(
                    f"{busy} runs are writing to destinations: pause the work pool, wait until "
                    "they end, and restore again"
                )
            return Restored(backup, audit, *_swap_in(catalog, before, staged, source, backup))
    except CatalogError:
        raise  # some are an OSError, too
    except OSError as error:
        raise CatalogBroken(f"cannot restore {str(source)!r}: {error}") from error
    finally:
        for file in (staged, wal_of(staged)):
            file.unlink(missing_ok=True)
        shutil.rmtree(staged.with_name(f"{staged.name}.tmp"), ignore_errors=True)


def _refuse_existing(catalog: Catalog) -> None:
    waiting = len(_queued_files(catalog.folder))
    if catalog.path.exists() or waiting:
        raise InvalidInput(
            f"{str(catalog.path)!r} exists already, with {waiting:,} orders queued: "
            "use --replace to move it aside and restore in its place"
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
    """Move the old catalog away and the new one in, under a marker; return where the old is."""
    path, beside = catalog.path, catalog.folder
    root, mark = path.parent, beside / RESTORE_MARKER
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside = root / (before.aside if before else f"{path.name}.before-{stamp}")
    current = _files_to_move(catalog, first=before is None)
    moves = tuple(dict.fromkeys([*(before.moves if before else ()), *current]))
    _write_marker(mark, _RestoreMarker(aside.name, moves))
    for name in moves:
        _move_once(root / name, aside / name)
    for file in (path, wal_of(path)):
        file.unlink(missing_ok=True)  # left there by an interrupted restore
    if wal_of(staged).exists():
        wal_of(staged).rename(wal_of(path))
    staged.rename(path)
    for part in backup.parts:
        if part.name == KEY and (beside / KEY).exists():
            continue  # it may be newer: the old key would make ended links valid again
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
    """Return the files of the current catalog; on a resumed restore, only what came since."""
    path, beside = catalog.path, catalog.folder
    if first:
        yield from (file.name for file in (path, wal_of(path)) if file.exists())
    for folder in MOVED_FOLDERS if first else ("inbox",):
        for file in sorted((beside / folder).iterdir()):
            yield f"{beside.name}/{folder}/{file.name}"


def _queued_files(beside: Path) -> Sequence[Path]:
    return list((beside / "inbox").iterdir())


def _move_once(old: Path, new: Path) -> None:
    """Move a file unless an interrupted restore moved it already."""
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
        raise CatalogBroken(f"cannot read {str(mark)!r}: {error}") from error


def _write_marker(mark: Path, value: _RestoreMarker) -> None:
    draft = mark.with_name(f"{mark.name}.{uuid.uuid4().hex[:12]}.part")
    draft.write_text(json.dumps({"aside": value.aside, "moves": value.moves}))
    fsync_path(draft)
    draft.replace(mark)
    fsync_path(mark.parent)
