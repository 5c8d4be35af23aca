"""Policies that change, sources that move, and addresses that nobody may lead the gateway to."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import AccessDenied
from gateway.access.external_urls import ExternalUrls
from tests.gateway.conftest import serving
from tests.gateway.mirror_gateway import TENANT, publish, web
from tests.servers.faulty import FaultyServer

DATA = {"a.txt": b"alpha", "d/b.bin": bytes(range(256)) * 4000}


@pytest.mark.usefixtures("prefect_server")
def test_a_get_restores_what_was_reclaimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.reclaim import reclaim  # noqa: PLC0415 - it loads Prefect

    with web(tmp_path, monkeypatch, DATA, policy="immediate") as one:
        reclaim([str(one.shelf)])
        assert not (one.shelf / "d" / "b.bin").exists()
        assert one.get("d/b.bin").content == DATA["d/b.bin"]
        one.settled()
        assert (one.shelf / "d" / "b.bin").read_bytes() == DATA["d/b.bin"]
        assert not (one.shelf / "a.txt").exists()
        assert one.running.catalog.origins.count(f"file://{one.shelf}") == 1


@pytest.mark.usefixtures("prefect_server")
def test_a_source_that_is_gone_and_one_that_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyServer() as elsewhere, web(tmp_path, monkeypatch, DATA) as one:
        one.upstream.files.clear()
        assert one.get("a.txt").status_code == 404
        one.url = publish(elsewhere, DATA)
        one.sync()
        assert one.get("a.txt").content == b"alpha"
        version = one.running.catalog.versions.latest(f"file://{one.shelf}").number
        assert version == 1  # the same set, from another place
        publish(one.upstream, DATA)
        assert one.get("d/b.bin").content == DATA["d/b.bin"]


def test_a_name_that_leads_elsewhere_by_the_time_it_is_read(
    faulty_server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_server.files["/inner"] = b"s3cret"
    url = f"{faulty_server.url}/inner"

    def at_first(_address: str) -> bool:
        return True

    monkeypatch.setattr("gateway.access.external_urls.is_public", at_first)
    with (
        ExternalUrls((), (), ()).open(url) as (end, path),
        pytest.raises(AccessDenied, match="private network"),
    ):
        end.storage.fetch(path)
    with ExternalUrls((faulty_server.url,), (), ()).open(url) as (end, path):
        assert end.storage.fetch(path).data == b"s3cret"
    assert faulty_server.requests["/inner"] == 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "is not in a folder"),
        ("file://{root}/../secret", "unsafe path"),
        ("file://{root}/link", "is not in a folder"),
        ("http://127.0.0.1:1/x", "own network"),
        ("http://localhost/x", "own network"),
        ("http://169.254.169.254/latest/meta-data", "own network"),
        ("http://[::1]/x", "own network"),
        ("s3://bucket/x", "no repository of this tenant"),
        ("sftp://host/x", "no repository of this tenant"),
        ("memory://x/y", "no repository of this tenant"),
        ("http://user:secret@127.0.0.1/x", "password"),
        ("x", "not a URL"),
    ],
)
@pytest.mark.parametrize("verb", ["register", "fetch"])
def test_addresses_that_nobody_allowed(tmp_path: Path, verb: str, url: str, told: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("s3cret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "fine").write_text("fine")
    tenants = {TENANT: {"repositories": {}, "local_roots": [str(root), str(tmp_path / "catalog")]}}
    with serving(tmp_path, tenants=tenants) as running:
        place = f"/v1/{TENANT}/resources/{verb}/x"
        refused = running.client.post(place, json={"url": url.format(root=root)})
        assert refused.status_code == 400
        assert told in refused.json()["error"]["message"]
        assert "s3cret" not in refused.text
        assert "user:secret" not in refused.text
        fine = running.client.post(place, json={"url": f"file://{root}/fine"})
        assert fine.status_code == 201, fine.text
        got = running.client.get(f"/v1/{TENANT}/resources/download/x")
        assert got.content == b"fine"
