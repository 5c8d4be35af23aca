"""Policies: immediate, on demand, streamed; what is only catalogued, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.digest import Digest
from catalog.model.plan import Mode, Policy
from tests.flows.sync.test_sync import bucket, files
from tests.flows.versions.test_restore import url, write
from tests.servers.faulty import FaultyServer
from tests.servers.nginx import NginxServer
from tests.servers.seaweedfs import S3Server

LATE = [Policy.ON_DEMAND, Policy.STREAMED]


def published(server: NginxServer, folder: str, **contents: str) -> tuple[str, dict[str, bytes]]:
    """Let nginx show these files below `folder`; return the folder's URL and the files."""
    return f"{server.http}/{folder}/", write(server.root / folder, **contents)


@pytest.mark.parametrize("policy", LATE)
def test_a_late_policy_catalogues_everything_and_asks_for_no_byte(
    faulty_server: FaultyServer, tmp_path: Path, policy: Policy, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    faulty_server.files |= {"/d/a": b"alpha", "/d/b": b"be"}
    faulty_server.files["/d/SHA256SUMS"] = (
        f"{'8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8'}  a\n{'0' * 64}  b\n"
    ).encode()
    end = tmp_path / "end"

    result = sync(f"{faulty_server.url}/d/SHA256SUMS", [str(end)], policy=policy)

    assert {one.method for one in faulty_server.seen if one.path != "/d/SHA256SUMS"} <= {"HEAD"}
    assert files(end) == {}
    assert (result.catalogued, result.added, result.bytes) == (2, 0, 0)
    assert result.changed
    assert "2 catalogued" in str(result)
    assert result.version == {url(end): 1}
    rows = {row.path: row for row in catalog.versions.content(url(end))}
    assert rows["b"].digest == "0" * 64, "what the source declares is told"
    origin = catalog.origins.get(url(end), "a")
    assert origin is not None
    assert (origin.origin_path, origin.policy) == ("a", policy)
    assert catalog.origins.get(url(end), "nowhere") is None


@pytest.mark.parametrize("policy", LATE)
def test_a_second_sync_under_a_late_policy_has_nothing_to_do(
    nginx_server: NginxServer, tmp_path: Path, policy: Policy
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source, _ = published(nginx_server, f"second-{policy}", a="alpha", b="b")
    end = str(tmp_path / "end")
    sync(source, [end], policy=policy)

    again = sync(source, [end], policy=policy)

    assert not again.changed
    assert "nothing to do" in str(again)
    assert (again.kept, again.version) == (2, {url(tmp_path / "end"): 1})


@pytest.mark.parametrize("policy", LATE)
def test_immediate_fetches_all_that_is_missing_and_makes_no_version(
    nginx_server: NginxServer, s3_server: S3Server, policy: Policy, catalog: Catalog
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.promote import promote  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, wanted = published(nginx_server, f"flip-{policy}", a="alpha", b="b")
    end = repository(bucket(s3_server, f"flip-{policy}"))  # type: ignore[arg-type]
    sync(source, [end], policy=policy)
    assert catalog.origins.count(end.address) == 2

    result = sync(source, [end])

    assert (result.added, result.catalogued, result.version) == (2, 0, {end.label: 1})
    assert catalog.origins.count(end.address) == 0
    assert all(row.digest for row in catalog.versions.content(end.address)), (
        "now the bytes were read"
    )
    assert not sync(source, [end]).changed
    copy = nginx_server.root.parent / f"copy-{policy}"
    promote(end, [str(copy)])
    assert files(copy) == wanted


def test_what_is_stored_stays_stored_under_a_later_policy(tmp_path: Path, catalog: Catalog) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    before = write(source, a="alpha", b="b")
    sync(str(source), [str(end)])
    (source / "c").write_text("new")

    result = sync(str(source), [str(end)], policy=Policy.ON_DEMAND)

    assert (result.kept, result.catalogued) == (2, 1)
    assert files(end) == before
    assert [row.path for row in catalog.versions.content(url(end))] == ["a", "b", "c"]
    assert catalog.origins.count(url(end)) == 1


def test_a_file_that_changed_is_catalogued_anew_and_its_old_bytes_stay_until_it_is_fetched(
    tmp_path: Path, catalog: Catalog
) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    before = write(source, a="old")
    sync(str(source), [str(end)])
    after = write(source, a="newer")

    result = sync(str(source), [str(end)], policy=Policy.ON_DEMAND)
    assert (result.catalogued, result.version) == (1, {url(end): 2})
    assert files(end) == before
    assert [row.size for row in catalog.versions.content(url(end))] == [5]
    assert not sync(str(source), [str(end)], policy=Policy.ON_DEMAND).changed

    result = sync(str(source), [str(end)])
    assert (result.replaced, result.version) == (1, {url(end): 2})
    assert files(end) == after
    restore(str(end), version=1)
    assert files(end) == before, "the old bytes went into the history"


def test_a_file_that_changed_before_it_was_fetched_makes_a_version(
    tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, a="one", b="b")
    sync(str(source), [str(end)], policy=Policy.ON_DEMAND)
    (source / "a").write_text("two")  # of equal size

    result = sync(str(source), [str(end)])

    assert result.version == {url(end): 2}
    assert files(end) == {"a": b"two", "b": b"b"}
    assert catalog.versions.latest(url(end)).replaced == 1


def test_a_mirror_forgets_what_is_only_catalogued_and_touches_no_other_file(
    tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, stored="s")
    sync(str(source), [str(end)])
    (source / "later").write_text("l")
    (source / "kept").write_text("k")
    sync(str(source), [str(end)], policy=Policy.ON_DEMAND)
    (end / "later").write_text("somebody's own")
    (source / "stored").unlink()
    (source / "later").unlink()

    result = sync(str(source), [str(end)], policy=Policy.ON_DEMAND, mode=Mode.MIRROR)

    assert (result.removed, result.kept) == (2, 1)
    assert [row.path for row in catalog.versions.content(url(end))] == ["kept"]
    assert files(end) == {"later": b"somebody's own"}
    assert catalog.origins.count(url(end)) == 1
    assert not sync(str(source), [str(end)], policy=Policy.ON_DEMAND, mode=Mode.MIRROR).changed


def test_a_late_plan_says_so_and_apply_carries_it_out(tmp_path: Path, catalog: Catalog) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.explain import explain  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, a="alpha")
    made = plan(str(source), [str(end)], policy=Policy.ON_DEMAND)

    assert made
    assert "write nothing" in str(made)
    assert (made.tallies[0].add, made.tallies[0].bytes, made.plan.batches) == (1, 0, 0)
    assert catalog.plans.get(made.plan_id).policy is Policy.ON_DEMAND
    result = apply(made.plan_id)
    assert (result.catalogued, files(end)) == (1, {})
    assert "was catalogued" in str(explain(result.run_id, "a"))


@pytest.mark.parametrize(
    ("options", "named"),
    [({"clean_up": "remove"}, "clean_up cannot"), ({"checks": ["os.path:exists"]}, "checks")],
    ids=["clean up", "checks"],
)
def test_what_contradicts_a_late_policy_is_refused(
    source: Path, tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    with pytest.raises(InvalidInput, match=named):
        sync(str(source), [str(tmp_path / "end")], policy=Policy.ON_DEMAND, **options)


def test_a_repository_that_stores_little_is_no_source_of_a_mirror(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    middle = tmp_path / "middle"
    middle.mkdir()
    sync(str(source), [str(middle)], policy=Policy.ON_DEMAND)
    with pytest.raises(InvalidInput, match="does not store"):
        sync(str(middle), [str(tmp_path / "end")], mode=Mode.MIRROR)
    (middle / "own").write_text("o")
    sync(str(middle), [str(tmp_path / "end")])
    assert catalog.versions.latest(url(middle)).total == 4, "listing it forgets nothing of it"


def test_a_deleted_version_is_told_again(source: Path, tmp_path: Path, catalog: Catalog) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = str(tmp_path / "end")
    sync(str(source), [end], policy=Policy.ON_DEMAND)
    catalog.versions.delete(url(tmp_path / "end"), 1)

    sync(str(source), [end], policy=Policy.STREAMED)

    assert catalog.versions.latest(url(tmp_path / "end")).total == 3
    policies = {one.policy for one in catalog.origins.all(url(tmp_path / "end"))}
    assert policies == {Policy.STREAMED}


def test_fetch_brings_what_is_asked_for_and_makes_no_version(
    nginx_server: NginxServer, s3_server: S3Server, catalog: Catalog
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.fetch import fetch  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import Depth, verify  # noqa: PLC0415

    source, _ = published(nginx_server, "fetched", a="alpha", b="be")
    end = repository(bucket(s3_server, "fetched"))  # type: ignore[arg-type]
    sync(source, [end], policy=Policy.ON_DEMAND)
    result = fetch(end, ["a"])

    assert (result.files, result.bytes, result.unstored) == (1, 5, 1)
    assert catalog.versions.latest(end.address).number == 1
    assert catalog.origins.get(end.address, "a") is None
    assert catalog.holdings.location(end.address, "a") is not None
    looked = verify(end, depth=Depth.DIGEST)
    assert looked
    assert (looked.unstored, looked.read, looked.findings) == (1, 1, ())
    assert "1 not stored" in str(looked)
    assert fetch(end).files == 1
    assert "nothing to fetch" in str(fetch(end))
    assert not sync(source, [end], policy=Policy.ON_DEMAND).changed, "what was fetched is there"


def test_fetch_refuses_what_is_streamed_and_what_is_no_longer_as_catalogued(
    nginx_server: NginxServer, tmp_path: Path
) -> None:
    from flows.fetch import fetch  # noqa: PLC0415
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, _ = published(nginx_server, "refused", a="alpha", b="b")
    end = tmp_path / "end"
    sync(source, [str(end)], policy=Policy.STREAMED)
    with pytest.raises(InvalidInput, match="'streamed'"):
        fetch(str(end))

    sync(source, [str(end)], policy=Policy.ON_DEMAND)
    (nginx_server.root / "refused" / "a").write_text("other bytes")
    with pytest.raises(SyncFailed, match="'a'"):
        fetch(str(end))
    assert files(end) == {"b": b"b"}


def test_reclaimed_files_go_are_told_and_come_back(
    source: Path, s3_server: S3Server, catalog: Catalog
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.fetch import fetch  # noqa: PLC0415
    from flows.reclaim import reclaim  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from flows.verify import verify  # noqa: PLC0415

    end = repository(bucket(s3_server, "reclaimed"))  # type: ignore[arg-type]
    sync(str(source), [end])
    size = sum(map(len, files(source).values()))
    told = reclaim([end], dry_run=True)
    assert (told.files, told.bytes) == (3, size)
    assert "would be reclaimed" in str(told)
    assert catalog.origins.count(end.address) == 0

    result = reclaim([end])

    assert (result.files, result.bytes) == (3, size)
    assert catalog.versions.latest(end.address).total == 3
    assert verify(end).unstored == 3
    assert not reclaim([end]), "a second time there is nothing to do"
    assert not sync(str(source), [end], policy=Policy.ON_DEMAND).changed
    assert fetch(end, ["a.txt"]).files == 1
    again = sync(str(source), [end])
    assert (again.added, again.version) == (2, {end.label: 1})
    assert verify(end).counts == {}


def test_the_last_copy_never_goes(source: Path, tmp_path: Path, catalog: Catalog) -> None:
    from flows.reclaim import reclaim  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    one, two = tmp_path / "one", tmp_path / "two"
    sync(str(source), [str(one), str(two)])
    whole = files(source)
    (source / "a.txt").write_text("other")  # the source's copy is another file now
    (source / "empty").unlink()
    (source / "sub" / "b.bin").unlink()

    both = reclaim([str(one), str(two)])
    assert not both, "each is the other's last copy"
    assert "kept: 'a.txt'" in str(both)
    assert files(one) == files(two) == whole

    assert reclaim([str(one)]).files == 3, "the other holds them all"
    assert not reclaim([str(two)])
    assert (files(one), files(two)) == ({}, whole)
    assert catalog.origins.count(url(one)) == 3


def test_what_a_kept_version_contains_stays_and_so_does_what_somebody_changed(
    source: Path, tmp_path: Path
) -> None:
    from flows.reclaim import KeptVersion, reclaim  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "new").write_text("new")
    (source / "newer").write_text("newer")
    sync(str(source), [str(end)])
    (end / "newer").write_text("touched")

    result = reclaim([str(end)], keep_versions=[KeptVersion(repository=str(end), version=1)])

    assert result.files == 1
    assert "changed after it was stored" in str(result)
    assert sorted(files(end)) == ["a.txt", "empty", "newer", "sub/b.bin"]


def test_what_another_repository_can_only_have_from_here_stays(
    source: Path, tmp_path: Path
) -> None:
    from flows.fetch import fetch  # noqa: PLC0415
    from flows.reclaim import reclaim  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    middle, last = tmp_path / "middle", tmp_path / "last"
    sync(str(source), [str(middle)])
    sync(str(middle), [str(last)], policy=Policy.ON_DEMAND)

    reclaim([str(middle)])

    assert fetch(str(last)).files == 3
    assert files(last) == files(source)


def test_the_same_bytes_from_elsewhere_fill_a_catalogued_file_in(
    tmp_path: Path, catalog: Catalog
) -> None:
    """Pulp fills the file of an on-demand unit in when the same unit is uploaded."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    upstream, other, end = tmp_path / "upstream", tmp_path / "other", tmp_path / "end"
    for folder in (upstream, other):
        folder.mkdir()
        (folder / "a").write_text("alpha")
    (upstream / "SHA256SUMS").write_text(f"{Digest.of(b'alpha').value}  a\n")
    assert sync(str(upstream / "SHA256SUMS"), [str(end)], policy=Policy.ON_DEMAND).catalogued == 1
    (upstream / "a").unlink()

    filled = sync(str(other), [str(end)])

    assert (filled.failed, filled.bytes, files(end)) == (0, 5, {"a": b"alpha"})
    assert filled.version == {url(end): 1}
    assert not list(catalog.origins.all(url(end)))
