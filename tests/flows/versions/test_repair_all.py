"""Repair all: every stored repository that something was written to, in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.errors import InvalidInput
from tests.flows.sync.test_sync import bucket, files
from tests.flows.versions.test_restore import write
from tests.flows.versions.test_verify import rot
from tests.servers.seaweedfs import S3Server
from tests.servers.webdav import WebdavServer, webdav

pytestmark = pytest.mark.prefect  # it is about stored repositories

if TYPE_CHECKING:
    from blocks.repository import Repository

Store = Callable[..., "Repository"]


@pytest.fixture
def store() -> Iterator[Store]:
    """Store repositories as blocks, and forget them afterwards."""
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect
    from blocks.resolve import repository  # noqa: PLC0415

    names: list[str] = []

    def stored(name: str, place: object, **labels: str) -> Repository:
        made = repository(place).model_copy(update={"labels": labels})  # type: ignore[arg-type]
        made.save(name, overwrite=True)
        names.append(name)
        return Repository.named(name)

    yield stored
    for name in set(names):
        Repository.delete(name)


def dav(server: WebdavServer, name: str) -> Repository:
    from blocks.repository import Repository  # noqa: PLC0415

    login = {"username": server.user, "password": server.password}
    storage = {"type": "webdav", "url": f"{server.url}/{name}", **login}
    return Repository.model_validate({"storage": storage, "retry": {"retries": 0}})


def test_each_is_mended_and_one_that_is_unreachable_stops_no_other(
    tmp_path: Path, s3_server: S3Server, store: Store
) -> None:
    from flows.repair_all import repair_all  # noqa: PLC0415
    from flows.results.repair_all import RepairAllFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source = tmp_path / "source"
    held = write(source, a="alpha", b="beta", c="gamma")
    origin = store("read-only", str(source))
    cloud = store("cloud", bucket(s3_server, "mended"))
    local = store("local", str(tmp_path / "local"))
    (tmp_path / "dav").mkdir()
    with webdav(tmp_path / "dav") as server:
        away = store("away", dav(server, "copy"))
        sync(origin, [cloud, local, away])
    s3_server.store().put("mended/a", b"other")  # as large as it was
    s3_server.store().delete("mended/b")
    rot(tmp_path / "local" / "a")
    (tmp_path / "local" / "c").unlink()

    with pytest.raises(RepairAllFailed, match="not repaired: 'away';") as caught:
        repair_all()
    result = caught.value.result
    with pytest.raises(RepairAllFailed) as again:
        repair_all()

    rows = {one.name: one for one in result.repositories}
    assert rows["away"].outcome == "failed"
    assert rows["read-only"].outcome == "skipped"
    for row in (rows["cloud"], rows["local"]):
        assert (row.outcome, row.examined, row.damaged, row.repaired) == ("repaired", 3, 2, 2)
    assert "read-only: nothing was ever written to it" in str(result)
    assert files(tmp_path / "local") == held
    arrived = {name: bytes(s3_server.store().get(f"mended/{name}").bytes()) for name in held}
    assert arrived == held
    second = {one.name: one.outcome for one in again.value.result.repositories}
    assert (second["away"], second["cloud"], second["local"]) == ("failed", "healthy", "healthy")


def test_bytes_that_are_nowhere_are_named_and_the_rest_is_mended(
    tmp_path: Path, store: Store
) -> None:
    from flows.repair_all import repair_all  # noqa: PLC0415
    from flows.results.repair_all import RepairAllFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    write(tmp_path / "s1", lost="one", kept="two")
    write(tmp_path / "s2", other="three")
    lossy = store("lossy", str(tmp_path / "lossy"), tier="gold")
    whole = store("whole", str(tmp_path / "whole"), tier="gold")
    iron = store("iron", str(tmp_path / "iron"), tier="iron")
    sync(str(tmp_path / "s1"), [lossy])
    sync(str(tmp_path / "s2"), [whole, iron])
    (tmp_path / "s1" / "lost").unlink()
    for path in ("lossy/lost", "lossy/kept", "whole/other", "iron/other"):
        rot(tmp_path / path)

    with pytest.raises(
        RepairAllFailed, match=r"not repaired: 'lossy';[\s\S]*lossy: lost: 'lost'"
    ) as caught:
        repair_all(labels={"tier": "gold"})
    rotten = files(tmp_path / "iron")
    named = repair_all(names=["ir*"])

    lossy_row, whole_row = caught.value.result.repositories
    assert (lossy_row.outcome, lossy_row.unrepairable) == ("damaged", ("lost",))
    assert (lossy_row.damaged, lossy_row.repaired) == (2, 1)
    assert (whole_row.outcome, whole_row.repaired) == ("repaired", 1)
    assert files(tmp_path / "lossy") == {"kept": b"two"}, "wrong bytes are not served"
    assert files(tmp_path / "whole") == {"other": b"three"}
    assert rotten != files(tmp_path / "iron") == {"other": b"three"}, "it was not chosen at first"
    assert [(one.name, one.repaired) for one in named.repositories] == [("iron", 1)]


def test_sources_and_depth_are_those_of_repair(tmp_path: Path, store: Store) -> None:
    from flows.repair_all import repair_all  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    held = write(source, a="alpha", b="beta")
    sync(str(source), [store("end", str(end))])
    source.rename(tmp_path / "moved")
    sync(str(tmp_path / "moved"), [str(tmp_path / "copy")])
    rot(end / "a")
    (end / "b").unlink()

    shallow = repair_all(names=["end"], depth="existence", sources=[str(tmp_path / "copy")])
    altered = files(end)
    repair_all(names=["end"], sources=[str(tmp_path / "copy")])

    assert [one.repaired for one in shallow.repositories] == [1]
    assert altered["a"] != held["a"]
    assert altered["b"] == held["b"]
    assert files(end) == held


def test_an_empty_and_an_unknown_repository_are_passed_over(tmp_path: Path, store: Store) -> None:
    from flows.modify import modify  # noqa: PLC0415
    from flows.repair_all import repair_all  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    write(tmp_path / "source", a="alpha")
    sync(str(tmp_path / "source"), [store("emptied", str(tmp_path / "emptied"))])
    modify("emptied", remove=["*"])
    store("unknown", str(tmp_path / "unknown"))

    result = repair_all(names=["emptied", "unknown"])

    assert [(one.name, one.remark) for one in result.repositories] == [
        ("emptied", "its latest version is empty"),
        ("unknown", "nothing was ever written to it"),
    ]
    assert result
    assert "<table>" in result._repr_html_()


def test_choosing_nothing_is_refused(tmp_path: Path, store: Store) -> None:
    from flows.repair_all import repair_all  # noqa: PLC0415

    store("one", str(tmp_path / "one"))

    with pytest.raises(InvalidInput, match=r"no repository to repair: none of the [1-9]"):
        repair_all(names=["no-such-*"])
