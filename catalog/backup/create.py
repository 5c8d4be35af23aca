"""A backup of the catalog: a folder with its content at one moment, taken while it is in use.

    backup.json          the manifest: names, sizes, digests, and when and by what it was made
    catalog.duckdb       the catalog's file
    quarantine/          orders that could not be applied, and why
    link.key             the key that signs a gateway's links, if there is one

Orders that wait in the inbox are applied first, so that the backup has all that was acknowledged.
Then no order is applied until the file is copied: reads go on, and new orders queue as usual. The
backup is written under another name and renamed, so that it is complete or absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from catalog.backup.verify_file import audit_all_tenants, wal_of
from catalog.catalog import Catalog
from catalog.errors import CatalogBroken, CatalogError, InvalidInput
from catalog.store.audit import Audit
from catalog.store.fsync import fsync_path

MANIFEST = "backup.json"
FILE = "catalog.duckdb"
QUARANTINE = "quarantine"
KEY = "link.key"
FORMAT = 1
BYTE_FOLDERS = ("artifacts", "resources", "uploads")
"""Folders of file bytes beside a catalog; a backup leaves them out."""
CHUNK = 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """The manifest of a backup."""

    made_at: datetime
    program: str
    parts: tuple[Part, ...]
    format: int = FORMAT
    contradictions: int = 0
    left_out: tuple[str, ...] = field(default=())  # of `BYTE_FOLDERS`, those that have files

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        return sum(part.size for part in self.parts)


def back_up(catalog: Catalog, target: Path) -> Backup:
    """Write a backup into the new folder `target`.

    Raises:
        InvalidInput: `target` exists already, or lies in the catalog's own folder.
        CatalogBroken: the copy cannot be opened, or the disk refused it.
    """
    target = target.absolute()
    if os.path.lexists(target):
        raise InvalidInput(f"{str(target)!r} exists already: name a folder that does not exist yet")
    if target.is_relative_to(catalog.folder):
        raise InvalidInput(f"{str(target)!r} is in the catalog's own folder: name another folder")
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        backup = _write_draft(catalog, draft)
        _fsync_tree(draft)
        draft.rename(target)
        fsync_path(target.parent)
    except CatalogError:
        raise
    except OSError as error:
        raise CatalogBroken(f"the backup {str(target)!r} cannot be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return backup


def read_backup(folder: Path) -> Backup:
    """Read a backup's manifest and verify every file against it.

    Raises:
        InvalidInput: it is not a backup, or a file of it is missing, damaged or too new.
    """
    try:
        backup = _MANIFEST.validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise InvalidInput(f"{str(folder)!r} is not a backup of a catalog: {error}") from error
    if backup.format != FORMAT:
        raise InvalidInput(
            f"the backup {str(folder)!r} has format {backup.format}, this program reads format "
            f"{FORMAT}: use entrepot {backup.program}, which made it, or newer"
        )
    for part in backup.parts:
        _verify_part(folder, part)
    return backup


_MANIFEST = TypeAdapter(Backup)


def _verify_part(folder: Path, part: Part) -> None:
    path = folder / part.name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"the backup {str(folder)!r} names {part.name!r}, which is outside it")
    try:
        with path.open("rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"cannot read {part.name!r} of the backup: {error}") from error
    if found != part.sha256:
        raise InvalidInput(
            f"{part.name!r} of the backup is damaged: expected sha256 {part.sha256}, "
            f"found {found}: use another backup"
        )


def _write_draft(catalog: Catalog, draft: Path) -> Backup:
    draft.mkdir(mode=0o700)
    with catalog.quiesced() as file:
        wal = wal_of(file)
        parts = [_copy_part(file, draft, FILE)]
        if wal.exists():
            parts.append(_copy_part(wal, draft, wal_of(Path(FILE)).name))
        parts += _copy_extra_files(catalog.folder, draft)
    audit = _audit_copy(draft)
    left_out = [name for name in BYTE_FOLDERS if any((catalog.folder / name).rglob("*"))]
    backup = Backup(
        datetime.now(UTC).replace(microsecond=0),
        version("entrepot"),
        tuple(parts),
        contradictions=audit.count,
        left_out=tuple(left_out),
    )
    manifest = asdict(backup) | {"made_at": backup.made_at.isoformat()}
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return backup


def _audit_copy(draft: Path) -> Audit:
    """Open and audit the copy, with a scratch folder that is removed afterwards."""
    try:
        return audit_all_tenants(draft / FILE, draft / "look")
    finally:
        shutil.rmtree(draft / "look", ignore_errors=True)


def _copy_extra_files(beside: Path, draft: Path) -> Iterator[Part]:
    for path in sorted((beside / QUARANTINE).iterdir()):
        if path.is_file():
            (draft / QUARANTINE).mkdir(exist_ok=True)
            yield _copy_part(path, draft, f"{QUARANTINE}/{path.name}")
    if (beside / KEY).exists():
        yield _copy_part(beside / KEY, draft, KEY)
        (draft / KEY).chmod(0o600)


def _copy_part(source: Path, draft: Path, name: str) -> Part:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, (draft / name).open("xb") as write:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            write.write(chunk)
    return Part(name, size, digest.hexdigest())


def _fsync_tree(folder: Path) -> None:
    """Sync every file below a folder, and the folder, to disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        fsync_path(path)
    fsync_path(folder)
