"""Content on demand: fetched once, verified before its last byte, kept, and the same ever after."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from catalog.model.digest import Digest
from providers.interfaces.history import HISTORY
from tests.gateway.mirror_gateway import TENANT, publish, web
from tests.servers.faulty import FaultyServer, Reply, flipped_bit, half_body, slowly, stall, status

BIG = os.urandom(3_000_000)
DATA = {"a.txt": b"alpha", "d/b.bin": BIG, "d/empty": b""}
RANGES = [  # PD-T2's six, of a file of 3,000,000 bytes
    ("bytes=0-499", 206, BIG[:500], "bytes 0-499/3000000"),
    ("bytes=1048000-1048999", 206, BIG[1048000:1049000], "bytes 1048000-1048999/3000000"),
    ("bytes=2999500-3000499", 206, BIG[2999500:], "bytes 2999500-2999999/3000000"),
    ("bytes=-50", 206, BIG[-50:], "bytes 2999950-2999999/3000000"),
    ("bytes=3000000-", 416, b"", "bytes */3000000"),
    ("bytes=-1-11", 416, b"", "bytes */3000000"),
]
pytestmark = pytest.mark.usefixtures("prefect_server")
Patch = pytest.MonkeyPatch


def files(folder: Path) -> dict[str, bytes]:
    """Return what lies below a folder, but for what is ours."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".entrepot" not in path.parts
    }


@pytest.mark.parametrize("digests", [True, False], ids=["manifest", "listing"])
@pytest.mark.parametrize("policy", ["on_demand", "streamed"])
def test_policies(tmp_path: Path, monkeypatch: Patch, policy: str, digests: bool) -> None:  # noqa: FBT001 - a case
    data = {"a.txt": b"alpha", "b.bin": BIG, "empty": b""}
    with web(tmp_path, monkeypatch, data, policy=policy, digests=digests) as one:
        for header, code, body, said in RANGES:
            for _ in range(2):
                got = one.get("b.bin", Range=header)
                assert (got.status_code, got.content) == (code, body), header
                assert got.headers["Content-Range"] == said
                assert got.headers["Content-Length"] == str(len(body))
        assert not one.shelf.exists()  # a part is never kept
        head = one.running.client.head(f"/content/{TENANT}/web/b.bin")
        assert (head.status_code, head.headers["Content-Length"]) == (200, "3000000")
        first = {name: one.get(name) for name in data}
        assert {name: got.content for name, got in first.items()} == data
        one.settled()
        assert (files(one.shelf) if one.shelf.exists() else {}) == (
            data if policy == "on_demand" else {}
        )
        again = {name: one.get(name) for name in data}
        assert {name: got.content for name, got in again.items()} == data
        for name, got in again.items():
            assert got.headers["ETag"] == first[name].headers["ETag"]
            same = one.get(name, If_None_Match=got.headers["ETag"])
            assert (same.status_code, same.content) == (304, b"")
        whole = [seen for seen in one.upstream.seen if seen.headers.get("Range") is None]
        gets = sum(seen.method == "GET" and seen.path == "/b.bin" for seen in whole)
        assert gets == (1 if policy == "on_demand" else 2)
        version = one.running.catalog.versions.latest(f"file://{one.shelf}").number
        one.sync("immediate")
        assert files(one.shelf) == data
        assert one.running.catalog.versions.latest(f"file://{one.shelf}").number == version
        assert one.get("b.bin").content == BIG


def test_many_first_requests_are_one_fetch(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, DATA) as one:
        one.upstream.script("/d/b.bin", slowly(3_000_000))
        with ThreadPoolExecutor(20) as pool:
            got = [each.content for each in pool.map(one.get, ["d/b.bin"] * 20)]
        assert all(body == BIG for body in got)
        assert one.asked("d/b.bin") == 1
        one.settled()
        assert one.get("d/b.bin").content == BIG
        assert one.asked("d/b.bin") == 1
        told = one.running.client.get("/metrics").text
        assert "entrepot_upstream_coalesced_total 19.0" in told


def test_small_files_that_are_never_kept_are_fetched_once_for_all_who_wait(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    with web(tmp_path, monkeypatch, DATA, policy="streamed") as one:
        one.upstream.script("/a.txt", stall(0.5))
        with ThreadPoolExecutor(10) as pool:
            got = [each.content for each in pool.map(one.get, ["a.txt"] * 10)]
        assert got == [b"alpha"] * 10
        assert one.asked("a.txt") == 1
        assert one.get("a.txt").content == b"alpha"
        assert one.asked("a.txt") == 2
        assert not list(tmp_path.rglob("*.part"))


def test_wrong_bytes_cut_the_connection_and_cool_the_source_down(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    with web(tmp_path, monkeypatch, DATA) as one:
        one.upstream.script("/d/b.bin", flipped_bit())
        with pytest.raises(httpx.RemoteProtocolError):
            one.get("d/b.bin")
        one.settled()
        assert not one.shelf.exists()
        assert not list(tmp_path.rglob("*.part"))
        asked = one.asked("d/b.bin")
        assert one.get("d/b.bin").status_code == 404  # though it is well again by now
        assert one.asked("d/b.bin") == asked
        assert "entrepot_corrupt_upstream_total 1.0" in one.running.client.get("/metrics").text


def test_a_small_wrong_file_is_an_error_and_no_body(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, DATA, cool_down_s=0) as one:
        one.upstream.script("/a.txt", flipped_bit())
        assert one.get("a.txt").status_code >= 400
        assert one.get("a.txt").content == b"alpha"


def test_a_fetch_that_breaks_off_goes_on(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, DATA) as one:
        one.upstream.script("/d/b.bin", half_body(), half_body(reset=True))
        assert one.get("d/b.bin").content == BIG


def test_a_mirror_takes_over(tmp_path: Path, monkeypatch: Patch) -> None:
    from blocks.repository import Repository  # noqa: PLC0415 - it loads Prefect
    from providers.http.settings import HttpSettings  # noqa: PLC0415

    with FaultyServer() as mirror, web(tmp_path, monkeypatch, DATA) as one:
        publish(mirror, DATA)
        place = one.running.application.gateway.tenants[TENANT]
        source = Repository(storage=HttpSettings(url=one.upstream.url), mirrors=[mirror.url])
        name = f"mirrored-{os.getpid()}-{time.monotonic_ns()}"
        source.save(name, _sync=True)  # type: ignore[call-arg]
        try:
            config = place.config.model_copy(update={"sources": {"main": name}})
            place.config = config
            one.upstream.script("/d/b.bin", flipped_bit())
            with pytest.raises(httpx.RemoteProtocolError):
                one.get("d/b.bin")
            asked = one.asked("d/b.bin")
            assert one.get("d/b.bin").content == BIG  # from the mirror: the source cools down
            assert one.asked("d/b.bin") == asked
            one.upstream.script("/a.txt", *(status(503) for _ in range(9)))
            assert one.get("a.txt").content == b"alpha"
        finally:
            Repository.delete(name, _sync=True)  # type: ignore[call-arg]


def test_a_source_that_changed_is_not_taken_for_what_was_catalogued(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    with web(tmp_path, monkeypatch, DATA) as one:
        one.upstream.files["/d/b.bin"] = BIG[::-1]
        with pytest.raises(httpx.RemoteProtocolError):
            one.get("d/b.bin")
        assert one.get("d/b.bin").status_code == 404
        one.settled()
        assert not one.shelf.exists()
        publish(one.upstream, {**DATA, "d/b.bin": BIG[::-1]})
        one.sync()
        assert one.get("d/b.bin").content == BIG[::-1]


def test_a_client_that_leaves_does_not_stop_what_is_to_be_kept(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    with web(tmp_path, monkeypatch, DATA) as one:
        one.upstream.script("/d/b.bin", slowly(3_000_000))
        with one.running.client.stream("GET", f"/content/{TENANT}/web/d/b.bin") as reply:
            next(reply.iter_raw(1000))
        deadline = time.monotonic() + 120
        while files(one.shelf) != {"d/b.bin": BIG} if one.shelf.exists() else True:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        one.settled()
        assert one.get("d/b.bin").content == BIG
        assert one.asked("d/b.bin") == 1


def test_what_a_run_delays_is_served_meanwhile(tmp_path: Path, monkeypatch: Patch) -> None:
    from catalog.store.destination_locks import destination_locks  # noqa: PLC0415

    with web(tmp_path, monkeypatch, DATA) as one:
        path = one.running.catalog.path
        folder = path.with_name(path.name + ".d") / "turns"
        with destination_locks(folder, [f"file://{one.shelf}"], lambda: None):
            for _ in range(3):
                assert one.get("d/b.bin").content == BIG
                time.sleep(0.4)
            assert not one.shelf.exists()
            assert one.asked("d/b.bin") == 1
        one.settled()
        assert files(one.shelf) == {"d/b.bin": BIG}


def test_what_is_replaced_goes_into_the_history(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, {"a": b"old"}) as one:
        assert one.get("a").content == b"old"
        one.settled()
        publish(one.upstream, {"a": b"new!"})
        one.sync()
        assert one.get("a").content == b"new!"
        one.settled()
        assert one.get("a").content == b"new!"
        assert files(one.shelf) == {"a": b"new!"}
        (kept,) = (one.shelf / HISTORY / "sha256").rglob("?" * 62)
        assert kept.read_bytes() == b"old"
        assert one.get("a", "@1").content == b"old"
        assert one.get("a", "@2").content == b"new!"
        assert "immutable" in one.get("a", "@1").headers["Cache-Control"]


def test_time_travel_and_the_grace_of_what_went(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, {"a": b"one", "b": b"two"}, policy="immediate") as one:
        time.sleep(1.1)
        between = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        time.sleep(1.1)
        publish(one.upstream, {"b": b"two"})
        one.sync("immediate", "mirror")
        assert one.get("a", f"@{between}").content == b"one"
        assert one.get("a", "@1").content == b"one"
        assert one.get("a", "@2").status_code == 404
        assert one.get("a", "@3").status_code == 404
        assert one.get("a", "@29990101T000000Z").status_code == 404
        assert one.get("a", "@19990101T000000Z").status_code == 404
        assert one.get("a", "@yesterday").status_code == 400
        late = one.get("a")  # the latest version lost it a moment ago
        assert (late.content, late.headers["X-Entrepot-Version"]) == (b"one", "1")
        assert one.get("PULP_MANIFEST").text == f"b,{Digest.of(b'two').value},3\n"


def test_without_grace_what_went_is_gone(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(
        tmp_path, monkeypatch, {"a": b"one", "b": b"two"}, policy="immediate", served={"grace_s": 0}
    ) as one:
        publish(one.upstream, {"b": b"two"})
        one.sync("immediate", "mirror")
        assert one.get("a").status_code == 404


def test_what_somebody_wrote_over_is_not_served(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, DATA, policy="immediate") as one:
        assert one.get("a.txt").content == b"alpha"
        (one.shelf / "a.txt").write_bytes(b"wrong")
        assert one.get("a.txt").content == b"alpha"  # the source has it still
        one.upstream.files.clear()
        assert one.get("a.txt").status_code == 404
        (one.shelf / "a.txt").unlink()
        assert one.get("a.txt").status_code == 404


def test_folders_are_pages_and_lead_to_their_slash(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, {**DATA, "e/index.html": b"<p>hi"}) as one:
        root = one.get("")
        assert root.headers["Content-Type"].startswith("text/html")
        assert 'href="d/"' in root.text
        assert 'href="a.txt"' in root.text
        inside = one.get("d/").text
        assert inside.rstrip().splitlines()[-2].endswith(" 0")  # the empty file has its size
        for path, lead in (("d", "d/"), ("e", "e/")):
            moved = one.get(path)
            assert (moved.status_code, moved.headers["Location"]) == (
                301,
                f"/content/{TENANT}/web/{lead}",
            )
        assert one.get("e/").content == b"<p>hi"
        told = one.get("d/", Accept="application/json").json()
        assert [(entry["name"], entry["size"]) for entry in told] == [
            ("b.bin", 3_000_000),
            ("empty", 0),
        ]
        assert one.get("nope/").status_code == 404
        assert one.running.client.get(f"/content/{TENANT}/web").status_code == 301
        assert one.running.client.get(f"/content/{TENANT}/nope/").status_code == 404
        assert one.running.client.get("/content/nobody/web/").status_code == 404


@pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", "a//b", "d/./b.bin", "%00"])
def test_no_path_leaves_its_root(tmp_path: Path, monkeypatch: Patch, path: str) -> None:
    with web(tmp_path, monkeypatch, DATA) as one:
        url = httpx.URL(one.running.url)
        connection = HTTPConnection(url.host, url.port)  # it sends a path as it is
        connection.request("GET", f"/content/{TENANT}/web/{path}")
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        assert reply.status in (400, 404)
        assert BIG[:100] not in body


def test_headers_of_the_source_come_along_but_for_its_own(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    with web(tmp_path, monkeypatch, {"a": b"alpha" * 100_000}, policy="streamed") as one:

        def told(reply: Reply) -> bool:
            reply.headers |= {
                "X-Own": "yes",
                "Set-Cookie": "a=b",
                "Connection": "x-hop",
                "X-Hop": "no",
                "Keep-Alive": "timeout=5",
            }
            return False

        one.upstream.script("/a", told)
        got = one.get("a")
        assert got.headers["X-Own"] == "yes"
        for name in ("Set-Cookie", "X-Hop", "Keep-Alive"):
            assert name not in got.headers


def test_an_unlisted_path_is_pulled_through_and_kept(tmp_path: Path, monkeypatch: Patch) -> None:
    with FaultyServer() as more:
        more.files |= {"/x/new.bin": BIG, "/small": b"s"}
        served: dict[str, object] = {"upstream": f"{more.url}/"}
        with web(tmp_path, monkeypatch, DATA, served=served) as one:
            got = one.get("x/new.bin")
            assert (got.status_code, got.content) == (200, BIG)
            assert one.get("small").content == b"s"
            one.settled()
            more.files.clear()
            assert one.get("x/new.bin").content == BIG
            part = one.get("x/new.bin", Range="bytes=5-9")
            assert (part.status_code, part.content) == (206, BIG[5:10])
            assert one.get("gone").status_code == 404
            more.script("/secret", status(403))
            assert one.get("secret").status_code == 403
            more.script("/broken", *(status(500) for _ in range(9)))
            assert one.get("broken").status_code == 502
            assert files(one.shelf) == {"x/new.bin": BIG, "small": b"s"}
            assert one.running.catalog.versions.latest(f"file://{one.shelf}").number == 1


def test_other_instances_sync_from_it(tmp_path: Path, monkeypatch: Patch) -> None:
    from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

    with web(tmp_path, monkeypatch, DATA) as one:
        address = f"{one.running.url}/content/{TENANT}/web"
        monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "other" / "catalog.duckdb"))
        by_manifest, by_pages = tmp_path / "one", tmp_path / "two"
        first = sync(f"{address}/PULP_MANIFEST", [str(by_manifest)])
        second = sync(f"{address}/", [str(by_pages)])
        assert (first.added, second.added) == (3, 3)
        assert files(by_manifest) == files(by_pages) == DATA
        assert sync(f"{address}@1/PULP_MANIFEST", [str(tmp_path / "three")]).added == 3
        assert not sync(f"{address}/PULP_MANIFEST", [str(by_manifest)]).added


def test_slow_clients_do_not_hold_up_others(tmp_path: Path, monkeypatch: Patch) -> None:
    with web(tmp_path, monkeypatch, DATA, policy="immediate") as one:
        ready, over = threading.Barrier(101), threading.Event()

        def dawdle(_: int) -> bool:
            with httpx.Client(timeout=60) as client:
                url = f"{one.running.url}/content/{TENANT}/web/d/b.bin"
                with client.stream("GET", url) as reply:
                    chunks = reply.iter_raw(1000)
                    first = next(chunks)
                    ready.wait(60)
                    over.wait(60)
                    return first + b"".join(chunks) == BIG

        with ThreadPoolExecutor(100) as pool:
            slow = [pool.submit(dawdle, number) for number in range(100)]
            ready.wait(60)
            assert one.get("a.txt").content == b"alpha"
            over.set()
            assert all(each.result(60) for each in slow)
