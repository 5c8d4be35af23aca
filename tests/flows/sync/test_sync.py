"""Sync, as a user calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NothingMatched, SecretInUrl
from catalog.model.digest import Digest
from catalog.model.plan import Mode, OnError, PlanItem
from providers.base import Storage
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server
from tests.transfer.endpoints import leftovers, tree
from transfer.user_functions import Refused


def files(root: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(root).items() if not name.startswith(".entrepot/")}


def bucket(server: S3Server, prefix: str) -> object:
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect

    return Repository.model_validate(
        {
            "storage": {
                "type": "s3",
                "bucket": server.bucket,
                "prefix": prefix,
                "endpoint": server.endpoint,
                "access_key_id": server.access_key,
                "secret_access_key": server.secret_key,
            }
        }
    )


def test_a_sync_brings_every_destination_up_to_date(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    one, two = tmp_path / "one", tmp_path / "two"
    result = sync(str(source), [str(one), str(two)])
    assert files(one) == files(two) == files(source)
    assert (result.added, result.replaced, result.removed, result.failed) == (6, 0, 0, 0)
    assert result.version == {f"file://{one}": 1, f"file://{two}": 1}
    assert result[f"file://{one}"].bytes == sum(map(len, files(source).values()))
    assert "added" in str(result)
    assert "<table>" in result._repr_html_()
    assert not leftovers([one, two])


def test_a_second_sync_has_nothing_to_do(source: Path, tmp_path: Path, catalog: Catalog) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    before = {path: path.stat().st_mtime_ns for path in end.rglob("*")}
    result = sync(str(source), [str(end)])
    assert not result.changed
    assert "nothing to do" in str(result)
    assert result.version == {f"file://{end}": 1}
    assert [one.number for one in catalog.versions.all(f"file://{end}")] == [0, 1]
    assert before == {path: path.stat().st_mtime_ns for path in end.rglob("*")}


def test_changes_additions_and_removals_move_alone(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    stamp = (source / "a.txt").stat()
    (source / "a.txt").write_text("ALPHA")  # an edit that keeps size and time
    os.utime(source / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (source / "new").write_text("new")
    (source / "sub" / "b.bin").unlink()
    additive = sync(str(source), [str(end)])
    assert (additive.added, additive.replaced, additive.removed) == (1, 1, 0)
    assert files(end)["a.txt"] == b"ALPHA"
    assert "sub/b.bin" in files(end)
    mirrored = sync(str(source), [str(end)], mode=Mode.MIRROR)
    assert (mirrored.added, mirrored.replaced, mirrored.removed) == (0, 0, 1)
    assert files(end) == files(source)


def test_what_somebody_broke_at_the_destination_is_repaired(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (end / "a.txt").write_text("tampered")
    (end / "empty").unlink()
    result = sync(str(source), [str(end)])
    assert (result.added, result.replaced) == (1, 1)
    assert files(end) == files(source)


def test_two_destinations_cost_one_read(faulty_server: FaultyServer, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    data = b"some bytes"
    faulty_server.files["/f"] = data
    faulty_server.files["/SHA256SUMS"] = f"{Digest.of(data).value}  f\n".encode()
    result = sync(f"{faulty_server.url}/SHA256SUMS", [str(tmp_path / "one"), str(tmp_path / "two")])
    assert result.added == 2
    assert faulty_server.requests["/f"] == 1


def test_a_failing_destination_does_not_harm_the_other_and_is_repaired_alone(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    data = b"some bytes"
    faulty_server.files["/dir/f"] = data
    faulty_server.files["/SHA256SUMS"] = f"{Digest.of(data).value}  dir/f\n".encode()
    good, bad = tmp_path / "good", tmp_path / "bad"
    bad.mkdir()
    (bad / "dir").write_text("in the way")
    with pytest.raises(SyncFailed, match="dir/f") as raised:
        sync(f"{faulty_server.url}/SHA256SUMS", [str(good), str(bad)])
    result = raised.value.result
    assert (result[0].added, result[0].failed, result[0].version) == (1, 0, 1)
    assert (result[1].added, result[1].failed, result[1].version) == (0, 1, 0)
    (bad / "dir").unlink()
    again = sync(f"{faulty_server.url}/SHA256SUMS", [str(good), str(bad)])
    assert (again[0].kept, again[0].added, again[1].added) == (1, 0, 1)
    assert files(bad) == files(good)


def test_bad_items_do_not_stop_the_rest_and_each_is_named(
    faulty_server: FaultyServer, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    data = b"some bytes " * 100
    names = ["gone", "secret", "wrong", "cut", "fine", "n" * 256]
    lines = [f"{name},{Digest.of(data).value},{len(data)}" for name in names]
    faulty_server.files |= {f"/{name}": data for name in names}
    faulty_server.files["/wrong"] = b"other bytes" * 100
    faulty_server.files["/PULP_MANIFEST"] = "\n".join(lines).encode()
    faulty_server.script("/gone", faulty.status(404))
    faulty_server.script("/secret", faulty.status(403))
    faulty_server.script("/cut", *[faulty.half_body()] * 20)
    end = tmp_path / "end"
    url = f"{faulty_server.url}/PULP_MANIFEST"
    with pytest.raises(SyncFailed) as raised:
        sync(url, [str(end)])
    failures = {one.path: one for one in raised.value.result.failures}
    assert set(failures) == {"gone", "secret", "wrong", "cut", "n" * 256}
    assert failures["wrong"].expected == str(Digest.of(data))
    assert failures["wrong"].found == str(Digest.of(b"other bytes" * 100))
    assert all(name in str(raised.value) for name in failures)
    assert files(end) == {"fine": data}
    assert catalog.versions.latest(f"file://{end}").number == 0
    requests = faulty_server.requests["/fine"]
    faulty_server.files["/wrong"] = data
    faulty_server.files["/PULP_MANIFEST"] = "\n".join(lines[:-1]).encode()
    faulty_server.unscript()
    again = sync(url, [str(end)])
    assert (again.added, again.kept) == (4, 1)
    assert faulty_server.requests["/fine"] == requests
    assert catalog.versions.latest(f"file://{end}").total == 5


def test_a_run_may_stop_at_its_first_failure(faulty_server: FaultyServer, tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    good = [f"b{number:03}" for number in range(200)]
    lines = [f"a,{'0' * 64},1"]
    for name in good:
        faulty_server.files[f"/{name}"] = name.encode()
        lines.append(f"{name},{Digest.of(name.encode()).value},{len(name)}")
    faulty_server.files |= {"/a": b"?", "/PULP_MANIFEST": "\n".join(lines).encode()}

    stored: dict[OnError, set[str]] = {}
    for wish in OnError:
        end = tmp_path / wish
        with pytest.raises(SyncFailed) as failure:
            sync(f"{faulty_server.url}/PULP_MANIFEST", [str(end)], on_error=wish)
        assert "expected digest" in str(failure.value)
        stored[wish] = set(files(end))

    assert stored[OnError.CONTINUE] == set(good)
    assert stored[OnError.FAIL] < set(good)


def test_what_an_api_declares_is_enforced_and_remembered(
    faulty_server: FaultyServer, tmp_path: Path, catalog: Catalog
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    sums = {"good": f"sha256:{Digest.of(b'bytes').value}", "bad": f"sha256:{'0' * 64}"}
    entries = [{"name": one, "url": "/f", "sum": sums[one], "team": "blue"} for one in sums]
    faulty_server.files |= {"/list": json.dumps(entries).encode(), "/f": b"bytes"}
    storage = {"type": "api", "url": f"{faulty_server.url}/list", "digest": "sum"}
    source = Repository.model_validate({"storage": storage | {"properties": {"owner": "team"}}})

    end = tmp_path / "end"
    with pytest.raises(SyncFailed, match="expected digest"):
        sync(source, [str(end)])

    assert files(end) == {"good": b"bytes"}

    faulty_server.files["/list"] = json.dumps(entries[:1]).encode()
    sync(source, [str(tmp_path / "whole")])
    (row,) = catalog.versions.content(f"file://{tmp_path}/whole")
    assert (row.path, row.properties) == ("good", '{"owner": "blue"}')


def test_globs_choose_what_takes_part(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)], include=["**/*.bin", "*.txt"], exclude=["sub/**"])
    assert set(files(end)) == {"a.txt"}


def test_nothing_matched_is_an_error_unless_allowed(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    with pytest.raises(NothingMatched, match="no resources matched"):
        sync(str(source), [str(tmp_path / "end")], include=["*.nope"])
    result = sync(str(source), [str(tmp_path / "end")], include=["*.nope"], allow_empty=True)
    assert not result.changed


def test_a_file_that_others_need_as_a_folder_fails_with_them_and_nothing_else(
    s3_server: S3Server, tmp_path: Path
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    place = bucket(s3_server, "conflict")
    store = s3_server.store()
    for key in ("conflict/a", "conflict/a b", "conflict/a/b"):
        store.put(key, b"x")
    names = {resource.path for resource in open_storage(place).enumerate()}
    if names != {"a", "a b", "a/b"}:
        pytest.skip("this server does not hold both, as S3 does")
    with pytest.raises(SyncFailed, match="'a' is a file, but 'a/b'") as raised:
        sync(place, [str(tmp_path / "end")])
    assert sorted(one.path for one in raised.value.result.failures) == ["a", "a/b"]
    assert files(tmp_path / "end") == {"a b": b"x"}


def with_manifest(place: object) -> object:
    from blocks.repository import Repository  # noqa: PLC0415

    assert isinstance(place, Repository)
    return place.model_copy(update={"manifest": "SHA256SUMS"})


def open_storage(place: object) -> Storage:
    from blocks.repository import Repository  # noqa: PLC0415

    assert isinstance(place, Repository)
    return place.settings.open(place.open_options())


def test_odd_names_go_to_s3_and_back(s3_server: S3Server, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source = tmp_path / "source"
    names = [" lead", "a b", "ünïcödé/ß", "#?%&;[]*", "new\nline", ".dot/.x", "n" * 255, "%41"]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    place, back = bucket(s3_server, "odd"), tmp_path / "back"
    sync(str(source), [place])
    result = sync(place, [str(back)])
    assert files(back) == files(source)
    assert result.added == len(names)


def test_more_than_a_thousand_keys_arrive(s3_server: S3Server, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    source = tmp_path / "source"
    for number in range(1100):
        path = source / f"d{number % 7}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    place = bucket(s3_server, "many")
    assert sync(str(source), [place]).added == 1100
    assert sync(place, [str(tmp_path / "back")]).added == 1100
    assert files(tmp_path / "back") == files(source)


def test_a_manifest_is_enforced_between_two_places_of_one_store(
    s3_server: S3Server,
) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    store = s3_server.store()
    store.put("declared/good", b"good")
    store.put("declared/bad", b"evil")
    lines = [f"{Digest.of(b'good').value}  {name}\n" for name in ("good", "bad")]
    store.put("declared/SHA256SUMS", "".join(lines).encode())
    source = with_manifest(bucket(s3_server, "declared"))
    with pytest.raises(SyncFailed) as raised:
        sync(source, [bucket(s3_server, "enforced")])
    (failure,) = raised.value.result.failures
    assert (failure.path, failure.error) == ("bad", "digest-mismatch")
    assert {one.path for one in open_storage(bucket(s3_server, "enforced")).enumerate()} == {"good"}


def test_the_same_digest_is_not_fetched_twice(faulty_server: FaultyServer, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    data = b"shared bytes"
    digest = Digest.of(data).value
    faulty_server.files |= {"/x/f": data, "/y/g": data}
    faulty_server.files["/x/SHA256SUMS"] = f"{digest}  f\n".encode()
    faulty_server.files["/y/SHA256SUMS"] = f"{digest}  g\n".encode()
    end = str(tmp_path / "end")
    sync(f"{faulty_server.url}/x/SHA256SUMS", [end])
    sync(f"{faulty_server.url}/y/SHA256SUMS", [end])
    assert files(tmp_path / "end") == {"f": data, "g": data}
    assert faulty_server.requests["/y/g"] == 0


@pytest.mark.parametrize(
    ("source_given", "ends", "error", "match"),
    [
        ("http://user:hunter2@host/x", ["/srv/z"], SecretInUrl, "password"),
        ("/srv/x", [], InvalidInput, "at least one destination"),
        ("/srv/x", ["/srv/y", "/srv/y"], InvalidInput, "given twice"),
        ("no-such-block", ["/srv/y"], LookupError, "there is no repository block named"),
        ("gopher://x/y", ["/srv/y"], LookupError, "known types: "),
        ("/srv/x", ["http://127.0.0.1:1/"], InvalidInput, "read-only"),
    ],
    ids=["password", "nowhere", "twice", "no block", "unknown scheme", "read-only"],
)
def test_bad_input_is_one_clear_error(
    source_given: str, ends: list[str], error: type[Exception], match: str, source: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    given = str(source) if source_given.startswith("/srv") else source_given
    with pytest.raises(error, match=match) as raised:
        sync(given, ends)
    assert "hunter2" not in str(raised.value)


def test_the_source_is_cleaned_up_after_every_destination_holds_it(
    source: Path, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from transfer.batch.delivery import CleanUp  # noqa: PLC0415

    expected = files(source)
    sync(str(source), [str(tmp_path / "one")])
    sync(str(source), [str(tmp_path / "one"), str(tmp_path / "two")], clean_up=CleanUp.REMOVE)
    assert files(source) == {}
    assert files(tmp_path / "one") == files(tmp_path / "two") == expected
    sync(
        str(source), [str(tmp_path / "one")], clean_up=CleanUp.REMOVE, allow_empty=True
    )  # a second time is fine


def test_what_is_everywhere_already_is_cleaned_up_too(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from transfer.batch.delivery import CleanUp  # noqa: PLC0415

    sync(str(source), [str(tmp_path / "one")])
    result = sync(str(source), [str(tmp_path / "one")], clean_up=CleanUp.REMOVE)
    assert (result.added, result.kept) == (0, 3)
    assert files(source) == {}


def refuse_a(item: PlanItem, content: bytes | Path) -> None:
    """Refuse the file `a.txt`; named by a test as a check."""
    if item.path == "a.txt":
        raise Refused(f"{len(content) if isinstance(content, bytes) else 0} bytes are not welcome")


def test_a_check_of_ones_own_refuses_a_file(source: Path, tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    with pytest.raises(SyncFailed, match="5 bytes are not welcome"):
        sync(str(source), [str(tmp_path / "end")], checks=[f"{__name__}:refuse_a"])
    assert set(files(tmp_path / "end")) == {"empty", "sub/b.bin"}
    with pytest.raises(InvalidInput, match="cannot be imported"):
        sync(str(source), [str(tmp_path / "end")], checks=["no.such:check"])


@pytest.mark.prefect
def test_a_run_shows_progress_and_a_result_in_the_ui(source: Path, tmp_path: Path) -> None:
    from prefect import get_client  # noqa: PLC0415

    from flows.sync import sync  # noqa: PLC0415

    sync(str(source), [str(tmp_path / "in-the-ui")])
    with get_client(sync_client=True) as client:
        named = {"flow_runs": {"name": {"like_": "…/in-the-ui"}}}
        (run,) = client.request("POST", "/flow_runs/filter", json=named).json()
        of_run = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
        artifacts = client.request("POST", "/artifacts/filter", json=of_run).json()
    assert run["name"] == "sync …/source to …/in-the-ui"
    shown = {one["key"]: one for one in artifacts}
    assert set(shown) == {"entrepot-progress", "entrepot-report", "entrepot-result"}
    assert "3 of 3 files" in shown["entrepot-progress"]["description"]
    assert '"added": "3"' in shown["entrepot-result"]["data"]


def test_a_file_that_the_source_lost_comes_from_its_mirror(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    faulty_server.files["/SHA256SUMS"] = f"{Digest.of(b'lost').value}  f\n".encode()
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "f").write_bytes(b"lost")
    source = Repository.model_validate(
        {
            "storage": {"type": "http", "url": faulty_server.url},
            "manifest": "SHA256SUMS",
            "mirrors": [str(tmp_path / "nowhere"), str(mirror)],
        }
    )

    result = sync(source, [str(tmp_path / "end")])

    assert result.added == 1
    assert files(tmp_path / "end")["f"] == b"lost"
    assert not sync(source, [str(tmp_path / "end")]).changed


def test_a_mirror_with_a_password_in_its_address_is_refused() -> None:
    from blocks.repository import Repository  # noqa: PLC0415

    with pytest.raises(ValueError, match="contains a password") as raised:
        Repository.model_validate(
            {
                "storage": {"type": "http", "url": "https://one.example/"},
                "mirrors": ["https://user:secret@mirror.example/"],
            }
        )

    assert "user:secret" not in str(raised.value)


def test_a_mapping_with_a_type_is_a_repository(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    origin = {"type": "local", "path": str(source)}
    end = {"type": "local", "path": str(tmp_path / "end")}
    result = sync(origin, [end])
    assert result.added == 3
    assert files(tmp_path / "end") == files(source)


def test_a_verb_with_other_options_stays_one(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415
    from orchestration.verb import Verb  # noqa: PLC0415

    other = sync.with_options(name="other", retries=1)
    assert isinstance(other, Verb)
    assert (other.name, sync.name) == ("other", "sync")
    with pytest.raises(SecretInUrl):
        other("sftp://u:secret@host/x", [str(tmp_path / "end")])
    assert other(str(source), [str(tmp_path / "end")]).added == 3
