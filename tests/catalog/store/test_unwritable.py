"""A catalog whose files are somebody else's is read, and says that it cannot be written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import polars as pl
import pytest

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.store.disk_errors import (
    CatalogFull,
    CatalogReadOnly,
    disk_error,
    reporting_disk_errors,
)
from catalog.store.parquet import write_table
from tests.servers.process import ROOT

AS_NOBODY = """
import os, sys
from pathlib import Path
from catalog.errors import CatalogError
from catalog.access.grants import Role
from catalog.queries.resources.lists import ResourceFilter
from catalog.catalog import Catalog
catalog = Catalog(Path(sys.argv[1]))
os.setgroups([]), os.setgid(65534), os.setuid(65534)
print([token.role.value for token in catalog.tokens.all()])
print(len(catalog.resources.page(ResourceFilter(where="size > 0")).rows))
for change in (
    lambda: catalog.tokens.create(Role.ADMIN),
    lambda: catalog.retention.keep("s3://a", 1),
):
    try:
        change()
    except CatalogError as error:
        print(type(error).__name__)
"""


UNREADABLE = """
import os, sys
from pathlib import Path
from catalog.errors import CatalogError
from catalog.catalog import Catalog
catalog = Catalog(Path(sys.argv[1]))
os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    catalog.tokens.all()
except CatalogError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_files_of_another_user_are_read_and_not_written() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        catalog = Catalog(folder / "catalog.duckdb")
        catalog.tokens.create(Role.READER)
        for one in (folder, *folder.rglob("*")):
            one.chmod(0o555 if one.is_dir() else 0o444)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, catalog.path],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        folder.chmod(0o755)
    assert done.stdout.split("\n")[:4] == ["['reader']", "0", *["CatalogReadOnly"] * 2], done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_file_that_may_not_be_read_is_not_said_to_be_readable() -> None:
    with tempfile.TemporaryDirectory() as place:
        catalog = Catalog(Path(place) / "catalog.duckdb")
        catalog.tokens.create(Role.READER)
        for one in (Path(place), *Path(place).rglob("*")):
            one.chmod(0o555 if one.is_dir() else 0o444)
        catalog.path.chmod(0)
        done = subprocess.run(
            [sys.executable, "-c", UNREADABLE, catalog.path],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        Path(place).chmod(0o755)
    assert done.stdout.startswith("CatalogUnavailable cannot open the catalog"), done.stderr


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "x"), CatalogFull),
        (OSError(errno.EDQUOT, "x"), CatalogFull),
        (OSError(errno.EROFS, "x"), CatalogReadOnly),
        (PermissionError(errno.EACCES, "x"), CatalogReadOnly),
        (duckdb.IOException("Could not write file: No space left on device"), CatalogFull),
        (duckdb.FatalException("Failed: Read-only file system"), CatalogReadOnly),
    ],
)
def test_what_cannot_be_written_is_told_as_one_error(error: Exception, kind: type) -> None:
    assert type(disk_error(error)) is kind


def test_other_errors_say_nothing_of_room() -> None:
    for error in (OSError(errno.EIO, "x"), duckdb.IOException("No such file"), ValueError("x")):
        assert disk_error(error) is None


def test_a_table_that_finds_no_room_is_told_whatever_its_size() -> None:
    for rows in (1, 200_000):
        table = pl.DataFrame({"a": range(rows)})
        with (
            pytest.raises(CatalogFull, match="the disk of the catalog is full"),
            reporting_disk_errors(),
        ):
            write_table(table, Path("/dev/full"))
