"""The page docs/gateway.md: the gateway of its file is asked by its lines of curl."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.guide import Reader
from tests.flows.stand_ins import forgetting, gateway_at, stored, write
from tests.servers.nginx import NginxServer
from tests.servers.process import free_ports


@pytest.mark.usefixtures("prefect_server")
def test_every_example_does_what_it_says(
    nginx_server: NginxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_TENANT", "acme")
    monkeypatch.setenv("ORIGIN_PASSWORD", "hidden")
    write(nginx_server.root / "gateway", {"unlisted.txt": "far"})
    write(tmp_path, {"notes.txt": "it is may", "in/readme.txt": "read"})
    (port,) = free_ports(1)
    names = {
        "/srv/": f"{tmp_path}/srv/",
        "https://mirror.example/data/": f"{nginx_server.http}/gateway/",
        **gateway_at(port),
        " --port 4242": "",
    }
    reader = Reader("gateway.md", names, languages={"yaml": Path("gateway.yaml").write_text})

    def shown() -> None:
        monkeypatch.setenv("TOKEN", next(one for one in reader.printed.split() if "ent_" in one))

    for _ in forgetting():
        stored(tmp_path / "srv" / "acme" / "s3-models", {"a": "a"})
        sync(str(tmp_path / "in"), [f"{tmp_path}/srv/acme/mirror/"])
        reader.read(before={2: shown})

    assert (tmp_path / "srv" / "acme" / "resources" / "notes" / "0" / "may.txt").is_file()
