"""What the doctor checks on this machine: the catalog, the disk, the credential sets."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from catalog.formats.quantities import format_bytes
from catalog.settings import Settings
from cli.doctor.diagnosis import Diagnosis, Health

LOW_SPACE = 2**30  # bytes of free disk below which a large file may not fit
NO_SPACE = 64 * 2**20  # bytes below which the catalog itself may not fit


def check_catalog(settings: Settings) -> Diagnosis:
    """Open the catalog, apply queued orders, and report rejected ones."""
    name = "catalog"
    try:
        catalog = Catalog.open(settings)
        known = len(catalog.repositories.addresses())
    except (CatalogError, OSError) as error:
        advice = "set ENTREPOT_CATALOG to a file in a writable folder"
        return Diagnosis(name, Health.ERROR, f"{settings.catalog}: {error}", advice)
    rejected = catalog.maintenance.rejected_orders()
    found = f"{catalog.path}: {known:,} repositories"
    if rejected:
        advice = "run `entrepot check-catalog`, and with --mend to repair the catalog"
        found = f"{found}, {len(rejected):,} rejected orders"
        return Diagnosis(name, Health.WARNING, found, advice)
    return Diagnosis(name, Health.HEALTHY, found)


def check_disk(settings: Settings) -> Iterator[Diagnosis]:
    """Check the free space for the catalog and for staged files."""
    places = {"disk of the catalog": settings.catalog.expanduser().absolute()}
    places["disk for staging"] = Path(tempfile.gettempdir())
    for name, path in places.items():
        folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
        free = shutil.disk_usage(folder).free
        health, advice = Health.HEALTHY, ""
        if free < LOW_SPACE:
            health = Health.ERROR if free < NO_SPACE else Health.WARNING
            advice = "free some space; TMPDIR sets where files are staged"
        yield Diagnosis(name, health, f"{format_bytes(free)} free at {folder}", advice)


def check_credentials(settings: Settings) -> Diagnosis:
    """Check that each credential set can be read, and by nobody else."""
    name, folder = "credential sets", settings.credentials
    if folder is None:
        return Diagnosis(name, Health.HEALTHY, "none: ENTREPOT_CREDENTIALS is not set")
    if not folder.is_dir():
        return Diagnosis(
            name, Health.ERROR, f"{folder} is not a folder", "set ENTREPOT_CREDENTIALS to a folder"
        )
    files = sorted(folder.glob("*.json"))
    broken = [file.name for file in files if not _is_object(file)]
    if broken:
        return Diagnosis(
            name, Health.ERROR, f"not a JSON object: {', '.join(broken)}", "fix or remove them"
        )
    others = stat.S_IRGRP | stat.S_IROTH
    if exposed := [file.name for file in files if file.stat().st_mode & others]:
        found = f"readable by other users: {', '.join(exposed)}"
        return Diagnosis(name, Health.WARNING, found, f"chmod 600 {folder}/*.json")
    return Diagnosis(name, Health.HEALTHY, f"{len(files):,} in {folder}")


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text()), dict)
    except (OSError, ValueError):
        return False
