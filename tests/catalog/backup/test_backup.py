"""A backup taken under load restores to a consistent catalog; killed at any point, none is half."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from catalog.backup.create import FILE, MANIFEST, back_up, read_backup
from catalog.backup.restore import restore
from catalog.catalog import Catalog
from catalog.errors import CatalogBroken, InvalidInput
from catalog.store.database import RESTORE_MARKER
from catalog.store.destination_locks import destination_locks
from tests.catalog import hammer
from tests.catalog.catalog_steps import HERE, CatalogSteps, file

WRITERS = 8
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Return a server of processes that have imported everything and opened nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polars", "tests.catalog.hammer"])
    yield context
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


@pytest.fixture
def known(catalog: Catalog) -> Catalog:
    """Return a catalog with two versions."""
    desk = CatalogSteps(catalog)
    desk.sync([file("a"), file("b")])
    desk.sync([file("a"), file("c")], "second")
    return catalog


def told(catalog: Catalog) -> list[object]:
    """Return what a catalog knows of the versions of the destination."""
    return [
        catalog.versions.all(HERE),
        list(catalog.versions.content(HERE)),
        list(catalog.holdings.all(HERE)),
    ]


def at(folder: Path) -> Catalog:
    """Return a catalog in a folder of its own."""
    return Catalog(folder / "catalog.duckdb", timeout_s=50)


@pytest.mark.timeout(900)
def test_a_backup_under_load_has_all_that_was_acknowledged_before(
    processes: ForkServerContext, tmp_path: Path
) -> None:
    catalog, notes = at(tmp_path / "living"), tmp_path / "acknowledged"
    CatalogSteps(catalog).sync([file("a"), file("b")])
    notes.touch()
    roles = [hammer.write, hammer.apply] * (WRITERS // 2)
    writers = [
        processes.Process(target=role, args=(catalog.path, f"writer-{number}", notes), daemon=True)
        for number, role in enumerate(roles)
    ]
    for one in writers:
        one.start()
    for number in range(3):
        seen = notes.stat().st_size
        while notes.stat().st_size < seen + 500:  # they are all at work
            assert all(one.is_alive() for one in writers)
            time.sleep(0.01)
        before = set(notes.read_text().rpartition("\n")[0].split())
        back_up(catalog, tmp_path / f"backup-{number}")

        back = at(tmp_path / f"back-{number}")
        assert restore(back, tmp_path / f"backup-{number}", replace=False).audit
        rows: dict[str, int] = dict(
            back.sql(
                "SELECT regexp_replace(path, '/[0-9]+$', ''), count(*) FROM outcomes "
                "WHERE path LIKE 'writer-%' GROUP BY 1"
            )
        )
        assert before - set(rows) == set()
        assert set(rows.values()) == {hammer.ROWS}, "no order is half there, or twice"
        assert back.maintenance.audit()
        assert told(back)[0] == told(catalog)[0]
        assert CatalogSteps(back).sync([file("later")], "later") is not None, (
            "it goes on from there"
        )
    for one in writers:
        one.kill()
        one.join()
    assert catalog.maintenance.audit()


def test_a_catalog_is_as_it_was(known: Catalog, tmp_path: Path) -> None:
    before = told(known)
    made = back_up(known, tmp_path / "backup")
    assert made.contradictions == 0
    assert {one.name for one in made.parts} == {FILE}
    CatalogSteps(known).sync([file("other")], "third")
    known.runs.record_outcomes("third", "plan", hammer.orders("waits"))

    with pytest.raises(InvalidInput, match=r"exists already, with 1 orders .* --replace"):
        restore(known, tmp_path / "backup", replace=False)
    assert told(known) != before
    known.runs.record_outcomes("third", "plan", hammer.orders("waits"))
    done = restore(known, tmp_path / "backup", replace=True)

    assert told(known) == before
    assert done.orders == 1
    assert done.aside is not None
    aside = at(tmp_path / "other")
    shutil.copy(done.aside / known.path.name, aside.path)
    versions = aside.versions.all(HERE)
    assert versions[-1].number == len(versions) - 1, "the old is whole"
    assert len(list((done.aside / known.folder.name / "inbox").iterdir())) == 1


def test_what_was_set_aside_and_the_key_of_links_come_back(known: Catalog, tmp_path: Path) -> None:
    key = known.folder / "link.key"
    key.write_bytes(b"k" * 32)
    (known.folder / "inbox" / f"{1:020d}-0123456789ab.plan.default.json").write_text("{]")
    known.flush()
    assert known.maintenance.rejected_orders()
    (known.folder / "resources").mkdir()
    (known.folder / "resources" / "bytes").touch()
    made = back_up(known, tmp_path / "backup")
    assert made.left_out == ("resources",)

    back = at(tmp_path / "back")
    restore(back, tmp_path / "backup", replace=False)
    assert back.maintenance.rejected_orders() == known.maintenance.rejected_orders()
    assert (back.folder / "link.key").read_bytes() == b"k" * 32
    assert (back.folder / "link.key").stat().st_mode & 0o077 == 0
    key.write_bytes(b"n" * 32)  # rotated since: the old one would open links that were ended
    restore(known, tmp_path / "backup", replace=True)
    assert key.read_bytes() == b"n" * 32


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("flip", "is damaged: expected sha256"),
        ("shorten", "is damaged: expected sha256"),
        ("remove", "cannot read"),
        ("manifest", "is not a backup of a catalog"),
        ("format", "has format 2"),
        ("outside", "is outside it"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_nothing_moves(
    known: Catalog, tmp_path: Path, spoil: str, why: str
) -> None:
    backup = tmp_path / "backup"
    back_up(known, backup)
    copy, manifest = backup / FILE, json.loads((backup / MANIFEST).read_bytes())
    data = bytearray(copy.read_bytes())
    if spoil == "flip":
        data[len(data) // 2] ^= 1
        copy.write_bytes(data)
    elif spoil == "shorten":
        copy.write_bytes(data[:-1])
    elif spoil == "remove":
        copy.unlink()
    elif spoil == "manifest":
        (backup / MANIFEST).write_text("{")
    elif spoil == "format":
        (backup / MANIFEST).write_text(json.dumps(manifest | {"format": 2}))
    else:
        manifest["parts"][0]["name"] = "../../etc/passwd"
        (backup / MANIFEST).write_text(json.dumps(manifest))
    before = told(known)
    with pytest.raises(InvalidInput, match=why):
        restore(known, backup, replace=True)
    assert told(known) == before


def test_a_backup_overwrites_nothing(known: Catalog, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for place, why in (
        (tmp_path / "there", "exists already"),
        (known.folder / "b", "own folder"),
    ):
        with pytest.raises(InvalidInput, match=why):
            back_up(known, place)
    back_up(known, tmp_path / "new" / "backup")
    assert read_backup(tmp_path / "new" / "backup").parts


def test_nothing_is_restored_under_a_run(known: Catalog, tmp_path: Path) -> None:
    back_up(known, tmp_path / "backup")
    with (
        destination_locks(known.folder / "turns", [HERE], lambda: None),
        pytest.raises(InvalidInput, match="1 runs are writing to destinations"),
    ):
        restore(known, tmp_path / "backup", replace=True)
    assert not list(tmp_path.glob("*.before-*"))


DOOMED = """
import os, signal, sys
from pathlib import Path
from catalog.backup.create import back_up
from catalog.backup.restore import restore
from catalog.catalog import Catalog

verb, place, backup, left = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
catalog = Catalog(place, timeout_s=50)

def hook(event, args):
    global left
    if event in ("os.rename", "os.remove", "shutil.copyfile", "os.rmdir", "os.chmod"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
back_up(catalog, backup) if verb == "backup" else restore(catalog, backup, replace=True)
"""


def doomed(verb: str, catalog: Catalog, backup: Path, moves: int) -> int:
    """Run a backup or a restore that is killed once so many things were moved."""
    words = [verb, str(catalog.path), str(backup), str(moves)]
    return subprocess.run(
        [sys.executable, "-c", DOOMED, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    ).returncode


def test_a_backup_killed_at_any_point_is_not_there(known: Catalog, tmp_path: Path) -> None:
    code, kills = -signal.SIGKILL, 0
    while code:
        place = tmp_path / f"backup-{kills}"
        code = doomed("backup", known, place, kills)
        assert code in (0, -signal.SIGKILL)
        assert place.exists() == (code == 0)
        kills += 1
    assert kills > 1
    assert read_backup(tmp_path / f"backup-{kills - 1}").parts
    assert known.maintenance.audit()


def test_a_restore_killed_at_any_point_is_neither_until_it_is_given_again(
    known: Catalog, tmp_path: Path
) -> None:
    backup, wanted = tmp_path / "backup", told(known)[:2]
    back_up(known, backup)
    CatalogSteps(known).sync([file("other")], "third")
    living = told(known)[:2]
    code, kills, refused = -signal.SIGKILL, 0, 0
    while code:
        place = at(tmp_path / f"case-{kills}")
        shutil.copytree(known.folder, place.folder, dirs_exist_ok=True)
        shutil.copy(known.path, place.path)
        place.runs.record_outcomes("third", "plan", hammer.orders("waits"))
        code = doomed("restore", place, backup, kills)
        assert code in (0, -signal.SIGKILL)
        if (place.folder / RESTORE_MARKER).exists():
            refused += 1
            with pytest.raises(CatalogBroken, match="was interrupted: repeat"):
                told(at(place.path.parent))
        else:
            assert told(at(place.path.parent))[:2] in (living, wanted), "one, and nothing between"
        restore(place, backup, replace=True)
        assert told(place)[:2] == wanted
        asides = [one / place.path.name for one in place.path.parent.glob("*.before-*")]
        assert any(one.exists() for one in asides), "what stood before lies aside"
        kills += 1
    assert refused > 3
