"""What a sync replaces or removes stays in the destination's history, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.digest import Digest
from catalog.model.outcome import Status
from catalog.model.plan import Mode
from providers.base import OpenOptions
from providers.interfaces.history import HISTORY, history_key
from tests.flows.sync.test_sync import bucket, files
from tests.servers.seaweedfs import S3Server
from tests.transfer.endpoints import leftovers, tree
from tests.transfer.no_copy_filesystem import uncopying

BIN = bytes(range(256)) * 50


def kept(root: Path) -> dict[str, bytes]:
    """Read a destination's history, by key."""
    start = f"{HISTORY}/"
    found = {name: data for name, data in tree(root).items() if name.startswith(start)}
    return {name.removeprefix(start): data for name, data in found.items()}


def edit(source: Path) -> None:
    """Change one file of the source and drop another."""
    (source / "a.txt").write_text("ALPHA!")
    (source / "sub" / "b.bin").unlink()


def by_digest(*contents: bytes) -> dict[str, bytes]:
    return {history_key(Digest.of(data).value): data for data in contents}


def test_what_a_sync_replaces_and_removes_is_found_by_its_digest(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    assert not kept(end)
    assert not leftovers([end])
    edit(source)
    result = sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert (result.added, result.replaced, result.removed, result.bytes) == (0, 1, 1, 6)
    assert files(end) == files(source)
    assert kept(end) == by_digest(b"alpha", BIN)
    for data in (b"alpha", BIN):
        (found,) = catalog.holdings.locations(Digest.of(data).value)[:1]
        places = {
            one.address: one.path for one in catalog.holdings.locations(Digest.of(data).value)
        }
        key = history_key(Digest.of(data).value)
        assert places[f"file://{end}/{HISTORY}"] == key, found


def test_the_history_is_no_part_of_what_is_counted_listed_or_synced(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end, third = tmp_path / "end", tmp_path / "third"
    sync(str(source), [str(end)])
    edit(source)
    result = sync(str(source), [str(end)], mode=Mode.MIRROR)
    address = f"file://{end}"
    assert [one.address for one in catalog.runs.tallies(result.run_id)] == [address]
    assert [one.address for one in result.destinations] == [address]
    assert result.version == {address: 2}
    assert {row.path for row in catalog.versions.content(address)} == set(files(source))
    assert {row.path: row.size for row in catalog.versions.content(f"file://{source}")} == {
        name: len(data) for name, data in files(source).items()
    }
    again = sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert "nothing to do" in str(again)
    assert kept(end) == by_digest(b"alpha", BIN)
    sync(str(end), [str(third)])
    assert tree(third) == files(source)


def test_the_digest_of_the_source_is_not_mistaken_for_that_of_what_was_kept(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").write_text("ALPHA")  # as long as before
    sync(str(source), [str(end)])
    digests = {row.path: row.digest for row in catalog.versions.content(f"file://{source}")}
    assert digests["a.txt"] == Digest.of(b"ALPHA").value


def test_an_edit_at_the_destination_is_kept_though_nobody_knows_it(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    end.mkdir()
    (end / "a.txt").write_text("somebody's own")
    sync(str(source), [str(end)])
    (end / "sub" / "b.bin").write_text("tampered")
    (source / "sub" / "b.bin").unlink()
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert files(end) == files(source)
    assert sorted(kept(end).values()) == [b"somebody's own", b"tampered"]
    assert {name.partition("/")[0] for name in kept(end)} == {"foreign"}
    assert not catalog.holdings.locations(Digest.of(b"tampered").value)


def test_a_destination_may_keep_no_history(source: Path, tmp_path: Path, catalog: Catalog) -> None:
    from blocks.repository import HistorySettings, Repository  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    end = Repository(
        storage=LocalSettings(path=str(tmp_path / "end")), history=HistorySettings(keep=False)
    )
    sync(str(source), [end])
    edit(source)
    result = sync(str(source), [end], mode=Mode.MIRROR)
    assert (result.replaced, result.removed) == (1, 1)
    assert tree(tmp_path / "end") == files(source)
    assert not catalog.holdings.locations(Digest.of(b"alpha").value)[1:]


def test_one_run_keeps_at_every_destination_in_its_own_way(
    source: Path, tmp_path: Path, s3_server: S3Server
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    store = bucket(s3_server, "history")
    ends = [store, Repository(storage=uncopying(tmp_path / "uncopying")), str(tmp_path / "end")]
    sync(str(source), ends)
    edit(source)
    result = sync(str(source), ends, mode=Mode.MIRROR)
    assert (result.replaced, result.removed) == (3, 3)
    for name in ("uncopying", "end"):
        assert kept(tmp_path / name) == by_digest(b"alpha", BIN)
    settings = store.settings.below(HISTORY)  # type: ignore[attr-defined]
    storage = settings.open(OpenOptions())
    try:
        listed = {one.path: storage.fetch(one.path).data for one in storage.enumerate()}
    finally:
        storage.close()
    assert listed == by_digest(b"alpha", BIN)
    assert "nothing to do" in str(sync(str(source), ends, mode=Mode.MIRROR))


def test_what_cannot_be_kept_fails_and_stays(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (end / ".entrepot").mkdir(exist_ok=True)
    (end / HISTORY).write_text("in the way")
    edit(source)
    with pytest.raises(SyncFailed, match="could not be kept first") as raised:
        sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert raised.value.result.failed == 2
    assert (end / "a.txt").read_text() == "alpha"
    assert (end / "sub" / "b.bin").read_bytes() == BIN
    (end / HISTORY).unlink()
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert files(end) == files(source)
    run = catalog.runs.all()[0]
    assert not catalog.runs.outcomes(run.run_id, Status.FAILED)
    assert kept(end) == by_digest(b"alpha", BIN)
