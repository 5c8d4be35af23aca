"""The layout `versioned`: every stored version stays under its number, and sets are shown whole."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.plan import Mode, Policy
from tests.flows.content import Reader, keys_shown, shown_by_number
from tests.flows.layouts.test_content_layout import (
    End,
    check_damage_to_three,
    fill,
    folder,
    generation,
    laid_out,
    reader_of,
    rows,
    run,
    until,
)
from tests.flows.sync.test_sync import files
from tests.servers.faulty import FaultyServer

if TYPE_CHECKING:
    from blocks.repository import Repository

LARGE = os.urandom(9 * 2**20)


@pytest.fixture(params=["local", "s3"])
def end(request: pytest.FixtureRequest, tmp_path: Path) -> End:
    """Give an empty destination, and how any reader reads it."""
    return laid_out(request, tmp_path, "versioned")


def sync_in(tmp_path: Path, repository: Repository, data: dict[str, bytes]) -> dict[str, bytes]:
    """Mirror exactly these files to a repository, and return them."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    fill(tmp_path / "in", data)
    sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)
    return data


def held(repository: Repository) -> dict[str, bytes]:
    """Return every file below the root as it lies there."""
    from providers.connection_cache import STORAGES  # noqa: PLC0415

    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        return {one.path: storage.fetch(one.path).data for one in storage.enumerate()}


def numbers(repository: Repository) -> set[str]:
    return set(held(repository)) - {"current"}


def spoil(repository: Repository, key: str, data: bytes | None) -> None:
    from providers.base import Attributes  # noqa: PLC0415
    from providers.connection_cache import STORAGES  # noqa: PLC0415

    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        if data is None:
            storage.remove(key)
        else:
            storage.put(key, data, Attributes())


def test_each_stored_version_of_a_file_gets_the_next_number(tmp_path: Path, end: End) -> None:
    from flows.sync import sync  # noqa: PLC0415

    repository, read = end
    odd = {"d/ä b#?%41,c.txt": b"odd", "2024/01/file": b"digits", "#top": b"", "big/one": LARGE}
    for text in (b"zero", b"one", b"two"):
        data = sync_in(tmp_path, repository, {"my/resource.txt": text, "b.txt": b"same", **odd})
        assert shown_by_number(read) == data

    assert held(repository) == {
        "my/0/resource.txt": b"zero",
        "my/1/resource.txt": b"one",
        "my/2/resource.txt": b"two",
        "0/b.txt": b"same",
        "d/0/ä b#?%41,c.txt": b"odd",
        "2024/01/0/file": b"digits",
        "0/#top": b"",
        "big/0/one": LARGE,
        "current": read("current"),
    }
    assert read("current").startswith(b"# entrepot version 3 ")
    assert "my/2/resource.txt" in keys_shown(read)
    again = sync(str(tmp_path / "in"), [repository], mode=Mode.MIRROR)
    assert not again.changed, "a second sync has nothing to do"
    assert len(numbers(repository)) == 8


def test_a_removed_file_stays_under_its_numbers_and_comes_back_with_the_next(
    tmp_path: Path, end: End
) -> None:
    repository, read = end
    sync_in(tmp_path, repository, {"a": b"first", "b": b"b"})
    assert sync_in(tmp_path, repository, {"b": b"b"}) == shown_by_number(read)
    assert numbers(repository) == {"0/a", "0/b"}
    sync_in(tmp_path, repository, {"a": b"first", "b": b"b"})
    assert set(keys_shown(read)) == {"1/a", "0/b"}
    assert numbers(repository) == {"0/a", "1/a", "0/b"}


def test_readers_see_one_whole_set_while_syncs_change_it(tmp_path: Path, end: End) -> None:
    repository, read = end
    sets = [sync_in(tmp_path, repository, generation(0))]
    with Reader(read, shown_by_number) as reader:
        for number in range(1, 3):
            sets.append(sync_in(tmp_path, repository, generation(number)))
            until(lambda last=sets[-1]: reader.seen[-1:] == [last], reader)  # type: ignore[misc]
    assert reader.seen == sets, "each of them, in order, and nothing else"


def test_an_older_version_is_shown_again_by_its_old_numbers(tmp_path: Path, end: End) -> None:
    from flows.restore import restore  # noqa: PLC0415

    repository, read = end
    old = sync_in(tmp_path, repository, {"a": b"first", "gone": b"g", "twin": b"g", "big": LARGE})
    new = sync_in(tmp_path, repository, {"a": b"second", "twin": b"t", "big": b"small now"})
    before = numbers(repository)

    restore(repository, version=1)

    assert set(keys_shown(read)) == {"0/a", "0/gone", "0/twin", "0/big"}
    assert shown_by_number(read) == old
    assert numbers(repository) == before, "no file was written"
    restore(repository, version=2)
    assert shown_by_number(read) == new
    restore(repository, version=1)
    sync_in(tmp_path, repository, {"a": b"third"})
    assert set(keys_shown(read)) == {"2/a"}, "the next number is above all that lie there"
    spoil(repository, "0/gone", None)
    restore(repository, version=1)
    assert shown_by_number(read) == old, "the same bytes lie under another name"


def test_it_is_a_source_whose_numbers_nobody_sees(
    tmp_path: Path, end: End, catalog: Catalog
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.promote import promote  # noqa: PLC0415
    from flows.pull import pull  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    repository, _ = end
    old = sync_in(tmp_path, repository, {"d/a": b"first", "d/b": b"b"})
    new = sync_in(tmp_path, repository, {"d/a": b"second", "large": LARGE})

    sync(repository, [str(tmp_path / "copy")])
    promote(repository, [str(tmp_path / "older")], version=1)
    promote(repository, [folder(tmp_path / "numbered", "versioned")], version=1)
    pull(repository, ["d/"], str(tmp_path / "pulled"))
    export_tree(repository, str(tmp_path / "tree"), version=1)

    assert files(tmp_path / "copy") == new
    assert files(tmp_path / "older") == old
    assert shown_by_number(reader_of(tmp_path / "numbered")) == old
    assert (tmp_path / "pulled" / "a").read_bytes() == b"second"
    assert {name: (tmp_path / "tree" / name).read_bytes() for name in old} == old
    assert catalog.versions.latest(repository.address).number == 2, "to be listed changes nothing"


def test_older_bytes_are_found_by_digest_where_they_were_not_asked_for_by_number(
    tmp_path: Path,
) -> None:
    from flows.explain import explain  # noqa: PLC0415
    from flows.modify import AddSettings, modify  # noqa: PLC0415

    repository, read = folder(tmp_path / "end", "versioned"), reader_of(tmp_path / "end")
    other = folder(tmp_path / "other", "versioned")
    sync_in(tmp_path, repository, {"a": b"first", "b": b"b"})
    sync_in(tmp_path, repository, {"a": b"second", "b": b"b"})
    sync_in(tmp_path, other, {"c": b"c"})

    add = AddSettings(repository=repository.address, version=1, paths=["a"])
    result = modify(repository, add=[add], remove=["b"])
    assert shown_by_number(read) == {"a": b"first"}
    assert set(keys_shown(read)) == {"2/a"}
    assert (result.replaced, result.removed) == (1, 1)
    assert "was replaced" in str(explain(result.run_id, "a"))
    modify(other, add=[add])
    assert shown_by_number(reader_of(tmp_path / "other")) == {"a": b"first", "c": b"c"}


def test_verify_looks_at_any_version_and_repair_writes_new_numbers(
    tmp_path: Path, end: End
) -> None:
    from flows.verify import Depth, verify  # noqa: PLC0415

    repository, read = end
    sync_in(tmp_path, repository, {"a": b"first"})
    data = {"a": b"alpha", "b": b"bravo", "c": b"charlie", "e": b"charlie"}
    sync_in(tmp_path, repository, data)
    for number in (1, 2):
        assert verify(repository, version=number, depth=Depth.DIGEST)
    spoil(repository, "1/a", b"ALPHA")
    spoil(repository, "0/b", b"")
    spoil(repository, "0/c", None)

    check_damage_to_three(tmp_path / "in", repository)
    assert "2/a" in read("current").decode(), "what could be mended is shown"
    sync_in(tmp_path, repository, data)

    assert verify(repository, depth=Depth.DIGEST)
    assert shown_by_number(read) == data
    assert held(repository)["1/a"] == b"ALPHA", "no name is written twice"
    told = {row.path: row.etag for row in rows(repository)}
    assert told == {"a": "2", "b": "1", "c": "0", "e": "0"}


def test_prune_removes_what_no_version_needs(tmp_path: Path, end: End) -> None:
    from flows.delete_version import delete_version  # noqa: PLC0415
    from flows.prune import prune  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415

    repository, read = end
    for text in (b"zero", b"one", b"two"):
        sync_in(tmp_path, repository, {"d/a": text, "d/b": b"same", text.decode(): b"x"})
    spoil(repository, "logs/7/x", b"foreign")
    spoil(repository, "notes", b"foreign")
    assert not prune(repository, protect_hours=0), "every version needs its numbers"
    delete_version(repository, 2)
    assert prune(repository, protect_hours=0)
    retain(repository, 1)
    assert not prune(repository), "what is young is protected"
    assert prune(repository, protect_hours=0)
    assert numbers(repository) == {"d/2/a", "d/0/b", "0/two", "logs/7/x", "notes"}
    assert set(keys_shown(read)) == {"d/2/a", "d/0/b", "0/two"}
    assert not prune(repository, protect_hours=0)


def test_prune_leaves_the_highest_number_of_what_lives_on(tmp_path: Path) -> None:
    from flows.prune import prune  # noqa: PLC0415
    from flows.restore import restore  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415

    repository = folder(tmp_path / "end", "versioned")
    for text in (b"zero", b"one", b"two"):
        sync_in(tmp_path, repository, {"a": text})
    restore(repository, version=1)
    retain(repository, 1)
    prune(repository, protect_hours=0)
    assert numbers(repository) == {"0/a", "2/a"}
    sync_in(tmp_path, repository, {"a": b"three"})
    assert held(repository)["3/a"] == b"three"


@pytest.mark.prefect
@pytest.mark.parametrize("moment", ["15", "current"])
def test_a_killed_sync_leaves_the_old_set_and_overwrites_no_number(
    tmp_path: Path, catalog: Catalog, moment: str
) -> None:
    root, source = tmp_path / "end", tmp_path / "in"
    old = fill(source, generation(0))
    assert run("versioned", source, root) == 0
    new = fill(source, generation(1))

    assert run("versioned", source, root, moment) == -signal.SIGKILL
    read = reader_of(root)
    assert shown_by_number(read) == old
    left = held(folder(root, "versioned"))
    if moment == "current":
        assert catalog.versions.latest(f"file://{root}").number == 2, (
            "it is made, but not yet shown"
        )

    assert run("versioned", source, root) == 0
    assert shown_by_number(read) == new
    assert catalog.versions.latest(f"file://{root}").number == 2
    after = held(folder(root, "versioned"))
    assert {key: after[key] for key in left if key != "current"} == {
        key: data for key, data in left.items() if key != "current"
    }


def test_a_lost_catalog_overwrites_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.adopt import adopt  # noqa: PLC0415
    from flows.restore import restore  # noqa: PLC0415

    repository, read = folder(tmp_path / "end", "versioned"), reader_of(tmp_path / "end")
    for text in (b"zero", b"one"):
        sync_in(tmp_path, repository, {"a": text, "b": b"same"})
    before = held(repository)
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "other" / "catalog.duckdb"))
    with pytest.raises(InvalidInput, match="was written with another catalog"):
        sync_in(tmp_path, repository, {"a": b"two"})
    assert held(repository) == before

    adopt(repository)
    (tmp_path / "end" / "current").unlink()
    sync_in(tmp_path, repository, {"a": b"two", "b": b"same"})
    assert set(keys_shown(read)) == {"2/a", "0/b"}, "what was adopted is not stored again"
    restore(repository, version=1)
    assert set(keys_shown(read)) == {"1/a", "0/b"}

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "third" / "catalog.duckdb"))
    (tmp_path / "end" / "current").unlink()
    sync_in(tmp_path, repository, {"a": b"three", "b": b"same"})
    assert set(keys_shown(read)) == {"3/a", "1/b"}
    after = held(repository)
    assert {key: after[key] for key in before if key != "current"} == {
        "0/a": b"zero",
        "1/a": b"one",
        "0/b": b"same",
    }


def test_a_large_file_that_breaks_off_takes_no_number(
    tmp_path: Path, faulty_server: FaultyServer
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from tests.flows.runs.test_kill import publish  # noqa: PLC0415

    repository = folder(tmp_path / "end", "versioned")
    url = publish(faulty_server, {"large": LARGE})
    faulty_server.files["/large"] = LARGE[:-1] + bytes([LARGE[-1] ^ 1])
    with pytest.raises(SyncFailed):
        sync(url, [repository])
    assert not (tmp_path / "end" / "current").exists()
    faulty_server.files["/large"] = LARGE
    sync(url, [repository])
    assert keys_shown(reader_of(tmp_path / "end")) == {"0/large": LARGE}


def test_a_plan_for_it_is_applied(tmp_path: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    repository = folder(tmp_path / "end", "versioned")
    data = fill(tmp_path / "in", {"a": b"first", "d/b": b"b"})
    planned = plan(str(tmp_path / "in"), [repository])
    apply(planned.plan_id, destinations=[repository])
    assert shown_by_number(reader_of(tmp_path / "end")) == data


@pytest.mark.parametrize("name", ["#d/a", "a\nb", "current/a"])
def test_a_name_that_cannot_be_numbered_fails_alone(tmp_path: Path, name: str) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415

    with pytest.raises(SyncFailed, match="cannot store the name") as caught:
        sync_in(tmp_path, folder(tmp_path / "end", "versioned"), {name: b"x", "good": b"y"})
    assert caught.value.result.failed == 1


def test_what_it_cannot_do_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    from flows.reclaim import reclaim  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from transfer.batch.delivery import CleanUp  # noqa: PLC0415

    repository = folder(tmp_path / "end", "versioned")
    with pytest.raises(InvalidInput, match="cannot list files that it does not store"):
        sync(str(tmp_path), [repository], policy=Policy.ON_DEMAND)
    with pytest.raises(InvalidInput, match="cannot be reclaimed"):
        reclaim([repository])
    with pytest.raises(InvalidInput, match="older versions may need them"):
        sync(repository, [str(tmp_path / "copy")], clean_up=CleanUp.REMOVE)
