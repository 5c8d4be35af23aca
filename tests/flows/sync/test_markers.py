"""The strategy `marker`: who finds `<path>.done` may take the file away, and it does not return."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.plan import Mode, Policy, Strategy
from tests.flows.sync.test_sync import bucket, files
from tests.servers.seaweedfs import S3Server
from transfer.batch.delivery import CleanUp

if TYPE_CHECKING:
    from blocks.repository import Repository

HIDDEN = ".entrepot/done"
BODY = b"some data"


@dataclass(frozen=True, slots=True)
class Place:
    """A destination, and how anybody else works on it: without our code."""

    repository: Repository
    put: Callable[[str, bytes], object]
    take: Callable[[str], object]
    names: Callable[[], set[str]]
    read: Callable[[str], bytes]

    def marker(self, path: str) -> str:
        """Return the name of a file's marker."""
        return f"{self.repository.markers or HIDDEN}/{path}.done"


def folder(root: Path, markers: str) -> Place:
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    def put(name: str, data: bytes) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    return Place(
        Repository(storage=LocalSettings(path=str(root)), markers=markers),
        put,
        lambda name: (root / name).unlink(),
        lambda: {str(one.relative_to(root)) for one in root.rglob("*") if one.is_file()},
        lambda name: (root / name).read_bytes(),
    )


def in_bucket(server: S3Server, markers: str) -> Place:
    from blocks.repository import Repository  # noqa: PLC0415

    prefix, store = uuid.uuid4().hex, server.store()
    made = bucket(server, prefix)
    assert isinstance(made, Repository)
    return Place(
        made.model_copy(update={"markers": markers}),
        lambda name, data: store.put(f"{prefix}/{name}", data),
        lambda name: store.delete(f"{prefix}/{name}"),
        lambda: {
            one["path"].removeprefix(f"{prefix}/") for page in store.list(prefix) for one in page
        },
        lambda name: bytes(store.get(f"{prefix}/{name}").bytes()),
    )


@pytest.fixture(
    params=[("local", ""), ("local", "metafiles"), ("s3", ""), ("s3", "metafiles")],
    ids="-".join,
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give an empty destination, with its markers hidden or in a folder of its own."""
    kind, markers = request.param
    if kind == "local":
        return folder(tmp_path / "end", markers)
    return in_bucket(request.getfixturevalue("s3_server"), markers)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Make a source of one file."""
    (tmp_path / "origin" / "prefix").mkdir(parents=True)
    (tmp_path / "origin" / "prefix" / "name").write_bytes(BODY)
    return tmp_path / "origin"


# Ingest's table (IN-T4): what stands there before, whether markers are wanted, and what is then.
TABLE = {
    "stored without": ((), Strategy.NAME, "added", ("file",)),
    "stored with": ((), Strategy.MARKER, "added", ("file", "marker")),
    "without, nothing": ((), Strategy.DIGEST, "added", ("file",)),
    "without, the file": (("file",), Strategy.NAME, "kept", ("file",)),
    "with, the file": (("file",), Strategy.MARKER, "kept", ("file", "marker")),
    "with, the marker": (("marker",), Strategy.MARKER, "kept", ("marker",)),
    "with, both": (("file", "marker"), Strategy.MARKER, "kept", ("file", "marker")),
}


@pytest.mark.parametrize(("before", "strategy", "told", "after"), TABLE.values(), ids=TABLE)
def test_what_is_there_is_told_by_marker_and_file(
    place: Place,
    origin: Path,
    before: tuple[str, ...],
    strategy: Strategy,
    told: str,
    after: tuple[str, ...],
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    name = {"file": "prefix/name", "marker": place.marker("prefix/name")}
    for one in before:
        place.put(name[one], b"" if one == "marker" else b"of somebody")

    result = sync(str(origin), [place.repository], strategy=strategy)

    assert (result.added, result.kept) == ((1, 0) if told == "added" else (0, 1))
    assert place.names() == {name[one] for one in after}
    if "file" in after:
        assert place.read(name["file"]) == (b"of somebody" if "file" in before else BODY)
    if "marker" in after:
        assert place.read(name["marker"]) == b""
    assert not sync(str(origin), [place.repository], strategy=strategy).changed
    assert place.names() == {name[one] for one in after}


def test_what_a_consumer_took_away_returns_when_the_source_changes(
    place: Place, origin: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    def again() -> int:
        return int(sync(str(origin), [place.repository], strategy=Strategy.MARKER).added)

    assert again() == 1
    place.take("prefix/name")
    assert again() == 0
    assert place.names() == {place.marker("prefix/name")}
    (origin / "prefix" / "name").write_bytes(BODY + b", more of it")
    assert again() == 1
    assert place.read("prefix/name") == BODY + b", more of it"
    (origin / "prefix" / "name").write_bytes(BODY)
    result = sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    assert result.replaced == 1
    assert place.read("prefix/name") == BODY


def test_a_marker_is_plain_text_to_a_bucket(s3_server: S3Server, origin: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    place = in_bucket(s3_server, "metafiles")
    sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    prefix = place.repository.address.rpartition("/")[2]
    found = s3_server.store().get(f"{prefix}/metafiles/prefix/name.done")
    assert found.attributes["Content-Type"] == "text/plain"


def test_markers_are_in_no_listing(place: Place, origin: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import verify  # noqa: PLC0415

    sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    assert not verify(place.repository).findings
    mirrored = sync(str(origin), [place.repository], mode=Mode.MIRROR, strategy=Strategy.MARKER)
    assert not mirrored.changed
    assert place.marker("prefix/name") in place.names()
    sync(place.repository, [str(tmp_path / "next")])
    assert set(files(tmp_path / "next")) == {"prefix/name"}


def test_a_mirror_removes_the_marker_with_its_file(place: Place, origin: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    def mirrored() -> int:
        strategy = Strategy.MARKER
        ends = [place.repository]
        result = sync(str(origin), ends, mode=Mode.MIRROR, strategy=strategy, allow_empty=True)
        return int(result.removed)

    (origin / "other").write_bytes(BODY)
    mirrored()
    place.take("prefix/name")
    (origin / "prefix" / "name").unlink()
    (origin / "other").unlink()
    assert mirrored() == 2
    assert not [one for one in place.names() if one.endswith(".done")]
    (origin / "other").write_bytes(BODY)
    sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    assert place.read("other") == BODY


def test_one_source_is_marked_at_each_destination_as_it_stands_there(
    origin: Path, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    new, old = folder(tmp_path / "new", "done"), folder(tmp_path / "old", "")
    old.put("prefix/name", b"of somebody")
    result = sync(str(origin), [new.repository, old.repository], strategy=Strategy.MARKER)
    assert (result.added, result.kept) == (1, 1)
    assert new.names() == {"prefix/name", "done/prefix/name.done"}
    assert old.names() == {"prefix/name", f"{HIDDEN}/prefix/name.done"}


def test_a_file_counts_as_there_and_may_be_cleaned_up(origin: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    place = folder(tmp_path / "end", "")
    place.put(place.marker("prefix/name"), b"")
    sync(str(origin), [place.repository], strategy=Strategy.MARKER, clean_up=CleanUp.REMOVE)
    assert not files(origin)


def test_a_marker_that_cannot_be_written_fails_its_file_and_is_written_next_time(
    origin: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    place = folder(tmp_path / "end", "metafiles")
    blocked = tmp_path / "end" / "metafiles" / "prefix" / "name.done"
    blocked.mkdir(parents=True)
    (blocked / "full").touch()  # an empty folder would make way
    with pytest.raises(SyncFailed) as raised:
        sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    assert [one.path for one in raised.value.result.failures] == ["prefix/name"]
    assert place.read("prefix/name") == BODY
    (blocked / "full").unlink()
    blocked.rmdir()
    result = sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    assert (result.added, result.kept) == (0, 1)
    assert place.read("metafiles/prefix/name.done") == b""
    (row,) = catalog.versions.content(place.repository.address)
    assert row.digest is not None


def test_what_a_consumer_took_before_the_catalog_knew_it_is_in_no_version(
    origin: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    place = folder(tmp_path / "end", "")
    (origin / "other").write_bytes(BODY)
    place.put(place.marker("prefix/name"), b"")
    sync(str(origin), [place.repository], strategy=Strategy.MARKER)
    assert [row.path for row in catalog.versions.content(place.repository.address)] == ["other"]


@pytest.mark.prefect
def test_a_run_killed_between_file_and_marker_heals_itself(
    origin: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    from flows.sync import sync  # noqa: PLC0415

    (origin / "other").write_bytes(BODY)
    end = tmp_path / "end"
    killed = subprocess.run(
        [sys.executable, "-m", "tests.flows.marker_sync_process", str(origin), str(end)],
        env={
            **os.environ,
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
            "ENTREPOT_CATALOG": str(catalog.path),
        },
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert set(files(end)) == {"other", "prefix/name"}
    assert not list((end / HIDDEN).rglob("*.done"))
    result = sync(str(origin), [str(end)], strategy=Strategy.MARKER)
    assert (result.added, result.kept) == (0, 2)
    assert {one.name for one in (end / HIDDEN).rglob("*.done")} == {"other.done", "name.done"}


def test_a_file_among_the_markers_is_refused_by_name(tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    (tmp_path / "origin" / "metafiles").mkdir(parents=True)
    (tmp_path / "origin" / "metafiles" / "x").write_bytes(BODY)
    place = folder(tmp_path / "end", "metafiles")
    with pytest.raises(SyncFailed, match="'metafiles' is reserved for its markers"):
        sync(str(tmp_path / "origin"), [place.repository])


def test_what_the_strategy_cannot_mean_is_refused(origin: Path, tmp_path: Path) -> None:
    from blocks.repository import Layout, Repository  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = folder(tmp_path / "end", "").repository
    content = end.model_copy(update={"layout": Layout.CONTENT})
    with pytest.raises(InvalidInput, match="'content'"):
        sync(str(origin), [content], strategy=Strategy.MARKER)
    with pytest.raises(InvalidInput, match="'on_demand'"):
        sync(str(origin), [end], strategy=Strategy.MARKER, policy=Policy.ON_DEMAND)
    with pytest.raises(InvalidInput, match="leave list_destinations on"):
        sync(str(origin), [end], strategy=Strategy.MARKER, list_destinations=False)
    for bad in ("../up", ".entrepot/mine"):
        with pytest.raises(ValueError, match=r"segment|reserved"):
            Repository(storage=end.storage, markers=bad)
