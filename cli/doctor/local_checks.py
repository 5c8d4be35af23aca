"""What the doctor looks at on this machine: the catalog, the disk, the credential sets."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from catalog.settings import Settings
from cli.doctor.diagnosis import Diagnosis, Health
from flows.results.sync import human

SCARCE = 2**30  # bytes of free disk below which a large file may not fit
EMPTY = 64 * 2**20  # bytes below which the catalog itself may not fit


def check_catalog(settings: Settings) -> Diagnosis:
    """Open the catalog, fold what waits, and say what was set aside."""
    name = "catalog"
    try:
        catalog = Catalog.open(settings)
        known = len(catalog.repositories.addresses())
    except (CatalogError, OSError) as error:
        advice = "set ENTREPOT_CATALOG to a file in a folder that can be written"
        return Diagnosis(name, Health.ILL, f"{settings.catalog}: {error}", advice)
    aside = catalog.upkeep.rejected_orders()
    told = f"{catalog.path}: {known} repositories"
    if aside:
        advice = "see `entrepot check-catalog`, which mends what was lost"
        return Diagnosis(name, Health.WARNING, f"{told}, {len(aside)} orders set aside", advice)
    return Diagnosis(name, Health.WELL, told)


def check_disk(settings: Settings) -> Iterator[Diagnosis]:
    """Look at the room for the catalog and for what is staged."""
    places = {"disk of the catalog": settings.catalog.expanduser().absolute()}
    places["disk for staging"] = Path(tempfile.gettempdir())
    for name, path in places.items():
        there = next(one for one in (path, *path.parents) if one.is_dir())
        free = shutil.disk_usage(there).free
        health = Health.ILL if free < EMPTY else Health.WARNING if free < SCARCE else Health.WELL
        advice = "" if health is Health.WELL else "make room; TMPDIR says where files are staged"
        yield Diagnosis(name, health, f"{human(free)} free at {there}", advice)


def check_credentials(settings: Settings) -> Diagnosis:
    """Look whether each credential set can be read, and by nobody else."""
    name, folder = "credential sets", settings.credentials
    if folder is None:
        return Diagnosis(name, Health.WELL, "none: ENTREPOT_CREDENTIALS is not set")
    if not folder.is_dir():
        return Diagnosis(
            name, Health.ILL, f"{folder} is no folder", "set ENTREPOT_CREDENTIALS to one"
        )
    files = sorted(folder.glob("*.json"))
    broken = [one.name for one in files if not _is_object(one)]
    if broken:
        return Diagnosis(
            name, Health.ILL, f"not a JSON object: {', '.join(broken)}", "mend or remove them"
        )
    open_to_all = [one.name for one in files if one.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]
    if open_to_all:
        found = f"others may read {', '.join(open_to_all)}"
        return Diagnosis(name, Health.WARNING, found, f"chmod 600 {folder}/*.json")
    return Diagnosis(name, Health.WELL, f"{len(files)} in {folder}")


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text()), dict)
    except (OSError, ValueError):
        return False
