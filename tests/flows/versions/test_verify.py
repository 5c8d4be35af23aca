"""Verify finds what is damaged, foreign or written anew; repair mends what can be mended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.errors import CatalogError, InvalidInput, NotRecorded
from catalog.model.finding import Fault
from tests.flows.sync.test_sync import bucket, files
from tests.servers.seaweedfs import S3Server


def rot(path: Path) -> None:
    """Change bytes and keep size and time, as a failing disk does."""
    info = path.stat()
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def test_all_is_well_after_a_sync(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect
    from flows.verify import Depth, verify  # noqa: PLC0415

    end = str(tmp_path / "end")
    sync(str(source), [end])
    result = verify(end, depth=Depth.DIGEST)

    assert result
    assert result.findings == ()
    assert (result.files, result.read) == (3, 3)
    assert "all intact" in str(result)


@pytest.mark.parametrize("depth", ["existence", "size", "digest"])
def test_each_depth_finds_what_it_promises(source: Path, tmp_path: Path, depth: str) -> None:
    from flows.results.verify import VerifyFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import Depth, verify  # noqa: PLC0415

    (source / "time.txt").write_text("rewritten with equal bytes")
    (source / "size.txt").write_text("long enough")
    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (end / "a.txt").unlink()
    (end / "size.txt").write_text("short")
    os.utime(end / "time.txt", (1, 1))
    rot(end / "sub" / "b.bin")
    (end / "foreign").write_text("not ours")

    with pytest.raises(VerifyFailed) as caught:
        verify(str(end), depth=Depth(depth))
    found = {one.path: one.fault for one in caught.value.result.findings}

    expected = {"a.txt": Fault.MISSING, "foreign": Fault.FOREIGN}
    if depth != "existence":
        expected |= {"size.txt": Fault.SIZE, "time.txt": Fault.CHANGED}
    if depth == "digest":
        expected |= {"sub/b.bin": Fault.CORRUPT}
    assert found == expected
    assert "'a.txt' missing" in str(caught.value)


def test_drift_and_foreign_files_alone_do_not_fail(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import verify  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (end / "foreign").write_text("not ours")

    result = verify(str(end))
    assert result
    assert [(one.path, one.fault) for one in result.findings] == [("foreign", Fault.FOREIGN)]


def test_an_older_version_is_verified_by_its_number(source: Path, tmp_path: Path) -> None:
    from flows.results.verify import VerifyFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import verify  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").write_text("longer than it was")
    sync(str(source), [str(end)])

    assert verify(str(end)).version == 2
    with pytest.raises(VerifyFailed, match=r"'a\.txt' size: expected 5 bytes, found 18 bytes"):
        verify(str(end), version=1)
    with pytest.raises(NotRecorded):
        verify(str(end), version=9)


def test_a_sample_reads_a_share(tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import Depth, verify  # noqa: PLC0415

    source = tmp_path / "many"
    source.mkdir()
    for number in range(200):
        (source / f"{number}").write_text(f"file {number}")
    end = str(tmp_path / "end")
    sync(str(source), [end])

    assert 0 < verify(end, depth=Depth.DIGEST, sample=0.5).read < 200
    with pytest.raises(InvalidInput, match="must be above 0"):
        verify(end, sample=0)


def test_repair_mends_from_another_copy_and_makes_no_version(
    source: Path, tmp_path: Path, s3_server: S3Server
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.repair import repair  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end, other = tmp_path / "end", repository(bucket(s3_server, "mends"))  # type: ignore[arg-type]
    sync(str(source), [str(end), other])
    before = files(end)
    for path in source.rglob("*"):
        if path.is_file():
            path.unlink()  # the bytes are in the bucket alone
    (end / "a.txt").unlink()
    rot(end / "sub" / "b.bin")

    result = repair(str(end), sources=[other])

    assert result.repaired == ("a.txt", "sub/b.bin")
    assert files(end) == before
    again = repair(str(end), sources=[other])
    assert again.repaired == ()
    assert "nothing to repair" in str(again)
    assert again.found.version == 1


def test_repair_goes_back_to_where_the_bytes_came_from(source: Path, tmp_path: Path) -> None:
    from flows.repair import repair  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    rot(end / "a.txt")

    assert repair(str(end)).repaired == ("a.txt",)
    assert (end / "a.txt").read_text() == "alpha"


def test_damage_among_very_many_foreign_files_is_named_and_mended(
    source: Path, tmp_path: Path
) -> None:
    from flows.repair import repair  # noqa: PLC0415
    from flows.results.verify import VerifyFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import verify  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    for number in range(1001):
        (end / f"0{number}").touch()
    (end / "a.txt").unlink()

    with pytest.raises(VerifyFailed, match=r"'a\.txt' missing"):
        verify(str(end))
    assert repair(str(end)).repaired == ("a.txt",)
    assert (end / "a.txt").read_text() == "alpha"


def test_what_cannot_be_repaired_is_put_aside_and_named(source: Path, tmp_path: Path) -> None:
    from flows.repair import RepairFailed, repair  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").unlink()
    rot(end / "a.txt")
    rot(end / "sub" / "b.bin")

    with pytest.raises(RepairFailed, match=r"lost: 'a\.txt'") as caught:
        repair(str(end))

    assert caught.value.result.repaired == ("sub/b.bin",)
    assert not (end / "a.txt").exists(), "wrong bytes are not served"
    assert files(end)["sub/b.bin"] == files(source)["sub/b.bin"]
    aside = [one.read_text() for one in (end / ".entrepot").rglob("*") if one.is_file()]
    assert "`lpha" in aside, "but not lost either"


@pytest.mark.parametrize("size", [5, 9 * 2**20], ids=["small", "large"])
def test_a_named_source_is_asked_for_what_nobody_knew_it_holds(tmp_path: Path, size: int) -> None:
    from flows.repair import repair  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    data = os.urandom(size)
    source, copy, other, end = (tmp_path / one for one in ("source", "copy", "other", "end"))
    for folder in (source, copy, other):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "a").write_bytes(data)
    sync(str(source), [str(end)])
    (source / "sub" / "a").unlink()
    rot(end / "sub" / "a")

    result = repair(str(end), sources=[str(copy)])

    assert result.repaired == ("sub/a",)
    assert (end / "sub" / "a").read_bytes() == data

    rot(end / "sub" / "a")
    (copy / "sub" / "a").unlink()
    rot(other / "sub" / "a")
    with pytest.raises((CatalogError, OSError)):  # of the right size, and wrong
        repair(str(end), sources=[str(other)])
    assert (end / "sub" / "a").exists() is False or (end / "sub" / "a").read_bytes() != data
