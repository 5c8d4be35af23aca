"""Adopt makes known what somebody else brought, so that it is not brought again."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from tests.flows.sync.test_sync import bucket, files
from tests.servers.seaweedfs import S3Server


def manifest(root: Path) -> Path:
    """Write a manifest with digests beside the files, and return it."""
    lines = [
        f"{path},{sha256(data).hexdigest()},{len(data)}\n" for path, data in files(root).items()
    ]
    (root / "PULP_MANIFEST").write_text("".join(lines))
    return root / "PULP_MANIFEST"


def test_what_another_tool_copied_is_not_copied_again(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.adopt import adopt  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    shutil.copytree(source, end)
    (end / "a.txt").write_text("other")
    result = adopt(str(end))

    assert (result.files, result.version.number, result.new_version) == (3, 1, True)
    assert {row.digest for row in catalog.versions.content(f"file://{end}")} == {
        sha256(data).hexdigest() for data in files(end).values()
    }
    synced = sync(str(manifest(source)), [str(end)])
    assert (synced.kept, synced.replaced) == (2, 1)
    (source / "PULP_MANIFEST").unlink()
    assert files(end) == files(source)


def test_a_second_time_nothing_is_new(source: Path, tmp_path: Path) -> None:
    from flows.adopt import adopt  # noqa: PLC0415

    end = tmp_path / "end"
    shutil.copytree(source, end)
    adopt(str(end))
    again = adopt(str(end))

    assert not again.new_version
    assert "still version 1 has 3 files" in str(again)


def test_a_lost_catalog_is_rebuilt_and_can_restore(
    source: Path, tmp_path: Path, s3_server: S3Server
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.adopt import adopt  # noqa: PLC0415
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import Depth, verify  # noqa: PLC0415

    end = repository(bucket(s3_server, "adopted"))  # type: ignore[arg-type]
    sync(str(source), [end])
    for path in (tmp_path / "catalog").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    adopt(end)
    assert verify(end, depth=Depth.DIGEST)
    (source / "a.txt").write_text("later")
    sync(str(source), [end])
    assert restore(end, version=1).replaced == 1
    assert verify(end, depth=Depth.DIGEST).version == 3


def test_a_lost_catalog_is_rebuilt_from_what_many_repositories_hold(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.rebuild import RebuildFailed, rebuild  # noqa: PLC0415

    ends = [tmp_path / "one", tmp_path / "two"]
    for end in ends:
        shutil.copytree(source, end)
    (ends[1] / "more").write_text("more")
    result = rebuild([str(end) for end in ends])
    assert [one.version.total for one in result.adopted] == [3, 4]
    assert {row.digest for row in catalog.versions.content(f"file://{ends[1]}")} == {
        sha256(data).hexdigest() for data in files(ends[1]).values()
    }

    with pytest.raises(RebuildFailed, match="1 repositories recorded, 1 could not") as one:
        rebuild(["http://127.0.0.1:9/gone/", str(ends[0])])
    assert "127.0.0.1:9" in str(one.value)
    with pytest.raises(InvalidInput, match="expected at least one repository"):
        rebuild([])
