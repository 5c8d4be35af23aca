"""Clients are sent to the object store itself, by a link that is signed for a while."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from tests.gateway.conftest import serving
from tests.gateway.mirror_gateway import TENANT
from tests.servers.seaweedfs import S3Server


@pytest.mark.usefixtures("prefect_server")
def test_a_stored_file_is_fetched_from_its_store(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415 - it loads Prefect
    from flows.sync import sync  # noqa: PLC0415
    from providers.s3.settings import S3Settings  # noqa: PLC0415

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_TENANT", TENANT)
    source = tmp_path / "source"
    source.mkdir()
    (source / "ü b.txt").write_bytes(b"stored")
    place = S3Settings(
        bucket=s3_server.bucket,
        prefix=f"shelf/{uuid4().hex}",
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )
    sync(str(source), [Repository(storage=place)])
    told = {
        "type": "s3",
        "bucket": place.bucket,
        "prefix": place.prefix,
        "endpoint": place.endpoint,
        "access_key_id": place.access_key_id,
        "secret_access_key": s3_server.secret_key,
    }
    for redirect in (True, False):
        served = {"repository": told, "redirect": redirect}
        tenants = {TENANT: {"repositories": {"shelf": served}}}
        with serving(tmp_path, tenants=tenants) as running:
            url = f"/content/{TENANT}/shelf/ü b.txt"
            got = running.client.get(url, follow_redirects=False)
            if not redirect:
                assert (got.status_code, got.content) == (200, b"stored")
                part = running.client.get(url, headers={"Range": "bytes=1-3"})
                assert (part.status_code, part.content) == (206, b"tor")
                continue
            assert got.status_code == 302
            assert got.headers["Cache-Control"] == "no-store"
            link = got.headers["Location"]
            assert link.startswith(s3_server.endpoint)
            assert s3_server.secret_key not in link
            direct = httpx.get(link)
            assert (direct.status_code, direct.content) == (200, b"stored")
            assert "filename*=UTF-8''%C3%BC%20b.txt" in direct.headers["Content-Disposition"]
