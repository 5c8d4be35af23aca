"""Signed links: one file, one version, for a while, for whoever has it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from catalog.access.grants import Role
from gateway.access.signed_links import LinkKey
from tests.gateway.mirror_gateway import TENANT, web


@pytest.mark.usefixtures("prefect_server")
def test_a_link_reads_one_file_until_it_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web(
        tmp_path, monkeypatch, {"d/a b.txt": b"alpha", "b": b"beta"}, policy="immediate"
    ) as one:
        text = one.running.catalog.tokens.create(Role.READER)[1]
        client = one.running.client
        place = f"/v1/{TENANT}/repositories/web/links"

        def link(**wanted: object) -> str:
            made = client.post(place, json=wanted, headers=one.running.tokens(text))
            assert made.status_code == 201, made.text
            return str(made.json()["url"])

        assert client.post(place, json={"path": "b"}).status_code == 401
        assert one.get("b").status_code == 401
        url = link(path="d/a b.txt", version=1)
        assert client.get(url).content == b"alpha"
        assert client.get(url, headers={"Range": "bytes=1-2"}).content == b"lp"
        assert client.get(link(path="b")).content == b"beta"
        for wrong in (
            url.replace("a%20b.txt", "b"),
            url.replace("@1", "@0"),
            url.replace("signature=", "signature=0"),
            url.replace("expires=", "expires=9"),
        ):
            refused = client.get(wrong)
            assert (refused.status_code, b"alpha" in refused.content) == (403, False)
        brief = link(path="b", seconds=1)
        time.sleep(1.1)
        assert client.get(brief).status_code == 403
        for path in ("../x", "/b", ""):
            made = client.post(place, json={"path": path}, headers=one.running.tokens(text))
            assert made.status_code in (400, 422)


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    first, second = LinkKey.load_or_create(tmp_path), LinkKey.load_or_create(tmp_path)
    assert first == second
    assert len(first.secret) == 32
    assert (tmp_path / "link.key").stat().st_mode & 0o077 == 0
    assert first.secret.hex() not in repr(first)
    assert not list((tmp_path / "tmp").iterdir())
