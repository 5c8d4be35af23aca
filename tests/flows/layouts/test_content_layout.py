"""The layout `content`: readers see one whole set, whatever happens, and nothing is kept twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.finding import Fault
from catalog.model.plan import Mode, Policy
from providers.layouts.content_names import content_path
from providers.testing.subject import files_of
from tests.flows.content import Read, Reader, shown
from tests.flows.sync.test_sync import bucket, files
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server
from tests.transfer.endpoints import tree

if TYPE_CHECKING:
    from blocks.repository import Repository
    from catalog.model.version import ContentRow

End = tuple["Repository", Read]


def folder(root: Path, layout: str = "content") -> Repository:
    from blocks.repository import Layout, Repository  # noqa: PLC0415 - imports Prefect
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    return Repository(storage=LocalSettings(path=str(root)), layout=Layout(layout))


def reader_of(root: Path) -> Read:
    return lambda name: (root / name).read_bytes()


@pytest.fixture(params=["local", "s3"])
def end(request: pytest.FixtureRequest, tmp_path: Path) -> End:
    """Give an empty destination, and how any reader reads it."""
    return laid_out(request, tmp_path, "content")


def laid_out(request: pytest.FixtureRequest, tmp_path: Path, layout: str) -> End:
    """Return an end with a layout, at the storage that the fixture's parameter names."""
    from blocks.repository import Layout, Repository  # noqa: PLC0415

    if request.param == "local":
        return folder(tmp_path / "end", layout), reader_of(tmp_path / "end")
    server: S3Server = request.getfixturevalue("s3_server")
    prefix = uuid.uuid4().hex
    made = bucket(server, prefix)
    assert isinstance(made, Repository)
    store = server.store()
    return (
        made.model_copy(update={"layout": Layout(layout)}),
        lambda name: bytes(store.get(f"{prefix}/{name}").bytes()),
    )


def fill(root: Path, data: dict[str, bytes]) -> dict[str, bytes]:
    shutil.rmtree(root, ignore_errors=True)
    for name, body in data.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return data


def generation(number: int, count: int = 30) -> dict[str, bytes]:
    """Return a set that shares some files with the one before it; all else differs."""
    made = {f"d{one % 3}/f{one}": f"{number} {one}".encode() * 50 for one in range(count)}
    return made | {"same": b"in each of them", f"only-{number}": b"in this one"}


def test_a_sync_stores_by_digest_and_shows_the_set(tmp_path: Path, end: End) -> None:
    from flows.sync import sync  # noqa: PLC0415

    repository, read = end
    data = fill(
        tmp_path / "in", {"a": b"alpha", "a b/c,d": b"alpha", "empty": b"", "big": b"x" * 9}
    )
    result = sync(str(tmp_path / "in"), [repository])

    assert shown(read) == data
    assert read("current").startswith(b"# entrepot version 1 ")
    assert result.version == {repository.address: 1}
    again = sync(str(tmp_path / "in"), [repository])
    assert not again.changed, "a second sync has nothing to do"
    assert again.kept == 4


def test_a_large_file_gets_its_name_before_its_bytes_are_sent(tmp_path: Path, end: End) -> None:
    from flows.sync import sync  # noqa: PLC0415

    repository, read = end
    data = fill(tmp_path / "in", {"large": os.urandom(9 * 2**20), "small": b"s"})
    sync(str(tmp_path / "in"), [repository, str(tmp_path / "plain")])

    assert shown(read) == data
    assert files(tmp_path / "plain") == data


def test_a_large_file_of_declared_digest_passes_through(
    faulty_server: FaultyServer, end: End
) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from tests.flows.runs.test_kill import publish  # noqa: PLC0415

    repository, read = end
    data = {"large": os.urandom(9 * 2**20)}
    sync(publish(faulty_server, data), [repository])
    assert shown(read) == data


def test_readers_see_one_whole_set_while_syncs_change_it(
    tmp_path: Path, end: End, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    repository, read = end
    sets = [fill(tmp_path / "in", generation(0))]
    sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)
    with Reader(read) as reader:
        for number in range(1, 5):
            sets.append(fill(tmp_path / "in", generation(number)))
            sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)
            until(lambda last=sets[-1]: reader.seen[-1:] == [last], reader)  # type: ignore[misc]

    assert reader.seen == sets, "each of them, in order, and nothing else"
    for number, data in enumerate(sets, 1):
        assert {row.path for row in catalog.versions.content(repository.address, number)} == set(
            data
        )


def until(moment: Callable[[], bool], reader: Reader) -> None:
    """Wait until the reader has seen something; it must see it in its next rounds."""
    enough = reader.rounds + 3
    tick = threading.Event()
    while not moment() and reader.rounds < enough and reader.alive:
        tick.wait(0.001)


@pytest.mark.prefect
@pytest.mark.parametrize("moment", ["15", "current"])
def test_a_killed_sync_leaves_the_old_set_and_the_next_shows_the_new(
    tmp_path: Path, catalog: Catalog, moment: str
) -> None:
    end, source = tmp_path / "end", tmp_path / "in"
    old = fill(source, generation(0))
    assert run("content", source, end) == 0
    new = fill(source, generation(1))

    assert run("content", source, end, moment) == -signal.SIGKILL
    assert shown(reader_of(end)) == old
    if moment == "current":
        assert catalog.versions.latest(f"file://{end}").number == 2, "it is made, but not yet shown"

    assert run("content", source, end) == 0
    assert shown(reader_of(end)) == new
    assert catalog.versions.latest(f"file://{end}").number == 2


def run(*arguments: object) -> int:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    environment = {
        **os.environ,
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "ENTREPOT_BATCH_COUNT": "10",
        "ENTREPOT_THREADS": "1",
    }
    command = [sys.executable, "-m", "tests.flows.content", *map(str, arguments)]
    return subprocess.run(
        command,
        env=environment,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    ).returncode


def test_what_failed_is_not_shown(tmp_path: Path, faulty_server: FaultyServer) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from tests.flows.runs.test_kill import publish  # noqa: PLC0415

    end = folder(tmp_path / "end")
    old = {"a": b"one", "b": b"two"}
    sync(publish(faulty_server, old), [end])
    new = {"a": b"three", "b": b"four"}
    url = publish(faulty_server, new)
    faulty_server.files["/b"] = b"FOUR"
    for allow_partial in (False, True):
        with pytest.raises(SyncFailed):
            sync(url, [end], allow_partial=allow_partial)
        assert shown(reader_of(tmp_path / "end")) == old
    faulty_server.files["/b"] = b"four"
    sync(url, [end])
    assert shown(reader_of(tmp_path / "end")) == new


def test_an_older_version_is_shown_again_without_a_copy(tmp_path: Path, end: End) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    repository, read = end
    old = fill(tmp_path / "in", {"a": b"first", "gone": b"g", "large": os.urandom(9 * 2**20)})
    sync(str(tmp_path / "in"), [repository])
    new = fill(tmp_path / "in", {"a": b"second", "large": b"small now"})
    sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)
    assert shown(read) == new
    before = written(repository)

    restore(repository, version=1)

    assert shown(read) == old
    assert written(repository) == before, "no file was written"
    restore(repository, version=2)
    assert shown(read) == new


def written(repository: Repository) -> dict[str, tuple[int | None, str | None]]:
    from providers.connection_cache import STORAGES  # noqa: PLC0415

    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        return {
            one.path: (one.modified_us, one.etag) for one in files_of(storage.enumerate("sha256"))
        }


def test_a_renamed_file_costs_the_source_nothing(
    tmp_path: Path, faulty_server: FaultyServer
) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from tests.flows.runs.test_kill import publish  # noqa: PLC0415

    end = folder(tmp_path / "end")
    sync(publish(faulty_server, {"before": b"the same"}), [end])
    sync(publish(faulty_server, {"after": b"the same"}), [end], mode=Mode.MIRROR)

    assert shown(reader_of(tmp_path / "end")) == {"after": b"the same"}
    assert faulty_server.requests["/after"] == 0


def test_it_is_a_source_as_well(tmp_path: Path, end: End, catalog: Catalog) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.promote import promote  # noqa: PLC0415
    from flows.pull import pull  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    repository, _ = end
    old = fill(tmp_path / "in", {"d/a": b"first", "d/b": b"b"})
    sync(str(tmp_path / "in"), [repository])
    new = fill(tmp_path / "in", {"d/a": b"second", "large": os.urandom(9 * 2**20)})
    sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)

    sync(repository, [str(tmp_path / "copy")])
    promote(repository, [str(tmp_path / "latest")])
    promote(repository, [str(tmp_path / "older")], version=1)
    pull(repository, ["d/"], str(tmp_path / "pulled"))
    export_tree(repository, str(tmp_path / "tree"))

    assert files(tmp_path / "copy") == files(tmp_path / "latest") == new
    assert files(tmp_path / "older") == old
    assert (tmp_path / "pulled" / "a").read_bytes() == b"second"
    assert {name: (tmp_path / "tree" / name).read_bytes() for name in new} == new
    assert catalog.versions.latest(repository.address).number == 2, "to be listed changes nothing"


def test_verify_looks_at_any_version_and_repair_mends(tmp_path: Path, end: End) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import Depth, verify  # noqa: PLC0415
    from providers.base import Attributes  # noqa: PLC0415
    from providers.connection_cache import STORAGES  # noqa: PLC0415

    repository, read = end
    fill(tmp_path / "in", {"a": b"first"})
    sync(str(tmp_path / "in"), [repository])
    data = fill(tmp_path / "in", {"a": b"alpha", "b": b"bravo", "c": b"charlie"})
    sync(str(tmp_path / "in"), [repository])
    for number in (1, 2):
        assert verify(repository, version=number, depth=Depth.DIGEST)

    keys = {row.path: row.digest or "" for row in rows(repository)}
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        storage.put(content_path(keys["a"]), b"ALPHA", Attributes())
        storage.put(content_path(keys["b"]), b"", Attributes())
        storage.remove(content_path(keys["c"]))
    check_damage_to_three(tmp_path / "in", repository)
    (tmp_path / "in" / "b").write_bytes(b"bravo")
    sync(str(tmp_path / "in"), [repository])
    assert verify(repository, depth=Depth.DIGEST)
    assert shown(read) == data


def check_damage_to_three(source: Path, repository: Repository) -> None:
    """Make sure that `a`, `b` and `c` are found damaged, and that `b` is lost with its source."""
    from flows.repair import RepairFailed, repair  # noqa: PLC0415
    from flows.results.verify import VerifyFailed  # noqa: PLC0415
    from flows.verify import Depth, verify  # noqa: PLC0415

    with pytest.raises(VerifyFailed) as caught:
        verify(repository, depth=Depth.DIGEST)
    faults = {one.path: one.fault for one in caught.value.result.findings}
    assert faults == {"a": Fault.CORRUPT, "b": Fault.SIZE, "c": Fault.MISSING}
    assert verify(repository, version=1, depth=Depth.DIGEST)
    with pytest.raises(InvalidInput, match="only the latest version can"):
        repair(repository, version=1)

    (source / "b").unlink()
    with pytest.raises(RepairFailed, match="lost: 'b'"):
        repair(repository, sources=[str(source)])


def rows(repository: Repository) -> list[ContentRow]:
    return list(Catalog.open().versions.content(repository.address))


def test_prune_removes_what_no_version_needs(tmp_path: Path, end: End) -> None:
    from flows.prune import prune  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    repository, read = end
    for number in range(3):
        fill(tmp_path / "in", generation(number, 3))
        sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)
    assert not prune(repository, protect_hours=0), "every version needs its bytes"
    retain(repository, 1)
    assert not prune(repository), "what is young is protected"
    assert len(written(repository)) == 1 + 3 * 3 + 1
    assert prune(repository, protect_hours=0)
    assert len(written(repository)) == 1 + 3 + 1
    assert shown(read) == generation(2, 3)


def test_the_set_of_another_catalog_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.adopt import adopt  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = folder(tmp_path / "end")
    fill(tmp_path / "in", {"a": b"one"})
    sync(str(tmp_path / "in"), [end])
    before = tree(tmp_path / "end")
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "other" / "catalog.duckdb"))
    fill(tmp_path / "in", {"b": b"two"})

    with pytest.raises(InvalidInput, match="was written with another catalog"):
        sync(str(tmp_path / "in"), [end])
    assert tree(tmp_path / "end") == before

    adopt(end)
    (tmp_path / "end" / "current").unlink()
    sync(str(tmp_path / "in"), [end])
    assert shown(reader_of(tmp_path / "end")) == {"a": b"one", "b": b"two"}, "it was taken over"


@pytest.mark.parametrize("name", ["#a", "a\nb", "sha256/ab/" + "0" * 62])
def test_a_name_that_no_manifest_can_hold_fails_alone(tmp_path: Path, name: str) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    fill(tmp_path / "in", {name: b"x", "good": b"y"})
    with pytest.raises(SyncFailed, match="cannot store the name"):
        sync(str(tmp_path / "in"), [folder(tmp_path / "end")])


def test_what_it_cannot_do_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    from flows.reclaim import reclaim  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from transfer.batch.delivery import CleanUp  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="cannot list files that it does not store"):
        sync(str(tmp_path), [folder(tmp_path / "end")], policy=Policy.ON_DEMAND)
    with pytest.raises(InvalidInput, match="cannot be reclaimed"):
        reclaim([folder(tmp_path / "end")])
    with pytest.raises(InvalidInput, match="other paths or older versions may need them"):
        sync(folder(tmp_path / "in"), [str(tmp_path / "end")], clean_up=CleanUp.REMOVE)
