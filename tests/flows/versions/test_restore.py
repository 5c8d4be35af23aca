"""Restore, promote, modify: any version again, its bytes from wherever they lie, verified."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import BytesMissing, ContentConflict, InvalidInput, NotRecorded
from catalog.model.plan import Mode
from tests.flows.sync.test_sync import bucket, files
from tests.servers.seaweedfs import S3Server


def url(path: Path) -> str:
    return f"file://{path}"


def write(root: Path, **contents: str) -> dict[str, bytes]:
    """Make a folder hold exactly these files, and return them."""
    root.mkdir(parents=True, exist_ok=True)
    for path in root.iterdir():
        if path.is_file() and path.name not in contents:
            path.unlink()
    for name, text in contents.items():
        (root / name).write_text(text)
    return {name: text.encode() for name, text in contents.items()}


def test_a_replaced_and_a_removed_file_come_back_out_of_the_history(
    tmp_path: Path, catalog: Catalog
) -> None:
    from flows.restore import restore  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    before = write(source, kept="k", replaced="old", removed="r")
    sync(str(source), [str(end)])
    after = write(source, kept="k", replaced="new!", added="a")
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert files(end) == after

    result = restore(str(end), version=1)

    assert files(end) == before
    assert (result.added, result.replaced, result.removed, result.kept) == (1, 1, 1, 1)
    assert result.version == {url(end): 3}
    assert [row.path for row in catalog.versions.content(url(end), 3)] == sorted(before)
    assert restore(str(end), version=2).version == {url(end): 4}, "and forward again"
    assert files(end) == after
    assert not restore(str(end), version=2).changed, "a second time there is nothing to do"


def test_a_bucket_is_restored_to_what_it_held_at_a_time(
    tmp_path: Path, s3_server: S3Server, catalog: Catalog
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.promote import promote  # noqa: PLC0415
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", repository(bucket(s3_server, "restored"))  # type: ignore[arg-type]
    before = write(source, a="first", b="b")
    sync(str(source), [end])
    moment = datetime.now(UTC)
    write(source, a="second")
    sync(str(source), [end], mode=Mode.MIRROR)

    restore(end, at=moment)

    promote(end, [str(tmp_path / "copy")])
    assert files(tmp_path / "copy") == before
    assert catalog.versions.latest(end.address).number == 3


def test_bytes_come_from_any_place_that_holds_them(tmp_path: Path) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, one, two = tmp_path / "source", tmp_path / "one", tmp_path / "two"
    before = write(source, a="first")
    sync(str(source), [str(one), str(two)])
    write(source, a="second")
    sync(str(source), [str(one)])
    for path in (one / ".entrepot" / "history").rglob("*"):
        if path.is_file():
            path.unlink()

    restore(str(one), version=1)
    assert files(one) == before


def test_what_cannot_be_had_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, a="first", b="b")
    sync(str(source), [str(end)])
    after = write(source, a="second", c="c")
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    for path in (end / ".entrepot" / "history").rglob("*"):
        if path.is_file():
            path.unlink()

    with pytest.raises(BytesMissing, match="the bytes of 2 files") as caught:
        restore(str(end), version=1)
    assert caught.value.reasons == ("'a'", "'b'")
    assert files(end) == after


def test_wrong_bytes_in_the_history_never_come_back(tmp_path: Path) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, a="first")
    sync(str(source), [str(end)])
    after = write(source, a="second")
    sync(str(source), [str(end)])
    (kept,) = [one for one in (end / ".entrepot" / "history").rglob("*") if one.is_file()]
    kept.write_text("FIRST")

    with pytest.raises(SyncFailed, match="digest"):
        restore(str(end), version=1)
    assert files(end) == after


def test_an_unknown_version_is_named(source: Path, tmp_path: Path) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = str(tmp_path / "end")
    sync(str(source), [end])
    with pytest.raises(NotRecorded, match="7"):
        restore(end, version=7)
    with pytest.raises(InvalidInput, match="found both"):
        restore(end, version=1, at=datetime.now(UTC))


def test_an_older_version_is_promoted_elsewhere(tmp_path: Path) -> None:
    from flows.promote import promote  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    before = write(source, a="first", b="b")
    sync(str(source), [str(end)])
    after = write(source, a="second", b="b")
    sync(str(source), [str(end)])

    promote(str(end), [str(tmp_path / "old"), str(tmp_path / "older")], version=1)
    promote(str(end), [str(tmp_path / "new")])
    promote(str(source), [str(tmp_path / "straight")])

    assert files(tmp_path / "old") == files(tmp_path / "older") == before
    assert files(tmp_path / "new") == files(tmp_path / "straight") == after


def test_modify_removes_first_and_then_adds(tmp_path: Path, catalog: Catalog) -> None:
    from flows.modify import AddSettings, modify  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    one, two = tmp_path / "one", tmp_path / "two"
    write(tmp_path / "s1", a="a", b="b")
    write(tmp_path / "s2", b="other", c="c", d="d")
    sync(str(tmp_path / "s1"), [str(one)])
    sync(str(tmp_path / "s2"), [str(two)])

    adding = AddSettings(repository=str(two), paths=["b", "c"])
    result = modify(str(one), remove=["a"], add=[adding])
    assert files(one) == {"b": b"other", "c": b"c"}
    assert result.version == {url(one): 2}

    modify(str(one), base_version=1)
    assert files(one) == {"a": b"a", "b": b"b"}

    modify(str(one), remove=["*"])
    assert files(one) == {}
    assert catalog.versions.latest(url(one)).total == 0

    modify(str(one), base_repository=str(two), base_version=1)
    assert files(one) == files(two)


@pytest.mark.parametrize(
    ("remove", "paths", "named"),
    [
        (["*", "a"], ["c"], "give it alone"),
        (["nowhere"], ["c"], "'nowhere' cannot be removed"),
        ([], ["nothing"], "nothing to add"),
    ],
    ids=["star and more", "unknown removal", "unknown addition"],
)
def test_a_modification_that_makes_no_sense_touches_nothing(
    tmp_path: Path, remove: list[str], paths: list[str], named: str
) -> None:
    from flows.modify import AddSettings, modify  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    before = write(tmp_path / "s1", a="a")
    write(tmp_path / "s2", c="c")
    sync(str(tmp_path / "s1"), [str(tmp_path / "one")])
    sync(str(tmp_path / "s2"), [str(tmp_path / "two")])

    with pytest.raises(InvalidInput, match=named):
        modify(
            str(tmp_path / "one"),
            remove=remove,
            add=[AddSettings(repository=str(tmp_path / "two"), paths=paths)],
        )
    assert files(tmp_path / "one") == before


def test_without_overwrite_other_bytes_are_a_conflict_and_equal_ones_are_not(
    tmp_path: Path,
) -> None:
    from flows.modify import AddSettings, modify  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    one, two = tmp_path / "one", tmp_path / "two"
    write(tmp_path / "s1", a="a", same="s")
    write(tmp_path / "s2", a="other", same="s", new="n")
    sync(str(tmp_path / "s1"), [str(one)])
    sync(str(tmp_path / "s2"), [str(two)])
    every = [AddSettings(repository=str(two))]

    with pytest.raises(ContentConflict, match="'a' has sha256"):
        modify(str(one), add=every, overwrite=False)
    assert files(one) == {"a": b"a", "same": b"s"}

    modify(str(one), add=every, remove=["a"], overwrite=False)
    assert files(one) == {"a": b"other", "same": b"s", "new": b"n"}
