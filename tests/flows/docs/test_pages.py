"""What the pages about single features show works, block by block, in the order of the page."""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from standardwebhooks import Webhook as Verifier

from catalog.catalog import Catalog
from tests.flows.guide import DOCS, Reader, blocks
from tests.flows.stand_ins import forgetting, put, s3_names, stored, sync_deployed, write
from tests.flows.sync.test_sync import files
from tests.servers.nginx import NginxServer
from tests.servers.openssh import SftpServer
from tests.servers.seaweedfs import S3Server
from tests.servers.webhook_receiver import Inbox

MIRROR = "https://mirror.example/data/"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Delete what a page stored."""
    yield from forgetting()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Read in a folder of its own, in which modules are found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def mirror(nginx_server: NginxServer) -> Iterator[str]:
    """Serve a tree by HTTP, in place of the mirror of the pages."""
    tree = write(nginx_server.root / "pages", {"models/a.bin": "a", "readme.txt": "read"})
    yield f"{nginx_server.http}/pages/"
    for one in (path for path in tree.rglob("*") if path.is_file()):
        one.unlink()


def test_contracts(folder: Path) -> None:
    head = "id,price,day\n"
    write(
        folder / "incoming",
        {"prices/good.csv": f"{head}1,2.5,\n", "prices/may.csv": f"{head}1,1,\n2,1,\n3,-1,\n"},
    )
    stored(folder / "s3-archive", {})
    contracts: list[str] = []

    def written(text: str) -> None:
        contracts.append(text)
        (folder / f"{yaml.safe_load(text)['name']}.yaml").write_text(text)

    reader = Reader("contracts.md", {"/srv/": f"{folder}/"}, languages={"yaml": written})
    reader.read()

    result: Any = reader.here["result"]
    assert (result.added, result.dropped) == (1, 1)
    told = "breaks the contract 'prices': row 3, column price, greater_than(0), found '-1.0'"
    assert result.drops[0].message == told
    assert told in " ".join((DOCS / "contracts.md").read_text().split())
    assert len(contracts) == 4
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    sync(str(folder / "incoming"), [str(folder / "all")], contracts=contracts)
    assert set(files(folder / "all")) == {"prices/good.csv"}


def test_freshness(folder: Path) -> None:
    today = datetime.now(UTC)
    write(
        folder / "drop",
        {
            "orders/1.csv": "1",
            f"daily/{today:%Y-%m-%d}.parquet": "p" * 2**20,
            f"daily/{today.replace(year=today.year + 1, day=1):%Y-%m-%d}.parquet": "",
            **{f"sensors/{number}": "warm" for number in range(24)},
        },
    )
    reader = Reader("freshness.md", {"/srv/": f"{folder}/"})

    def listed() -> None:
        from flows.sync import sync  # noqa: PLC0415 - imports Prefect

        with pytest.raises(AssertionError, match="ended with 1"):
            reader.entrepot(["freshness"])
        sync("partner-drop", [str(folder / "copy")])

    reader.read(before={1: listed})


def test_gaps(folder: Path) -> None:
    Reader("gaps.md", {}).read()

    assert set(files(folder / "shelf")) == {"a.csv"}


def test_layouts(s3_server: S3Server, folder: Path) -> None:
    for bucket in ("mirror", "inbox"):
        put(s3_server, bucket, {})
    write(folder / "out", {"a.txt": "a"})
    write(folder / "data", {"d/a": "abc"})
    names = {
        'S3Settings(bucket="mirror")': f'S3Settings(bucket="mirror", {keys(s3_server)})',
        'S3Settings(bucket="inbox")': f'S3Settings(bucket="inbox", {keys(s3_server)})',
        MIRROR: f"{folder}/data",
        "sftp://partner@files.example/out": f"{folder}/out",
    }

    Reader("layouts.md", names).read()

    held = s3_server.keys("mirror")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert held >= {"current", f"sha256/{digest[:2]}/{digest[2:]}"}
    assert s3_server.keys("inbox") == {"a.txt", "metafiles/a.txt.done"}


def keys(server: S3Server) -> str:
    """Return the arguments that a bucket of ours needs."""
    (arguments,) = s3_names(server).values()
    return arguments


def test_modify(folder: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    stored(folder / "s3-models", {})
    stored(folder / "staging", {})
    write(folder / "in", {"old/model.bin": "1", "kept": "k"})
    sync(str(folder / "in"), ["s3-models"])
    for number in range(4):
        write(folder / "next", {"new/model.bin": str(number)})
        sync(str(folder / "next"), ["staging"])

    Reader("modify.md", {}).read()

    address = f"file://{folder}/s3-models"
    assert [one.number for one in Catalog.open().versions.all(address)] == [0, 1, 2, 3]
    assert files(folder / "s3-models") == {"new/model.bin": b"3"}  # version 4 of staging, at last


def test_notebooks(folder: Path) -> None:
    write(folder / "shop", {"a": "a"})
    write(folder / "photos", {"b": "b"})

    reader = Reader("notebooks.md", {})
    reader.read()

    assert files(folder / "other") == {"b": b"b"}
    assert reader.here["result"].added == 1  # type: ignore[attr-defined]
    assert reader.here["one"].added == 0  # type: ignore[attr-defined]


def test_policies(mirror: str, folder: Path) -> None:
    stored(folder / "s3-cache", {})

    Reader("policies.md", {MIRROR: mirror}).read()

    assert not [*(folder / "s3-cache").glob("**/*.bin")]
    address, catalog = f"file://{folder}/s3-cache", Catalog.open()
    assert [one.number for one in catalog.versions.all(address)] == [0, 1]
    assert catalog.origins.count(address) == 2


def test_providers(folder: Path) -> None:
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect

    points: list[str] = []
    write(folder / "tape", {"client.py": "class TapeClient: ...\n\n\nclass TapeStorage: ...\n"})

    Reader("providers.md", {}, languages={"toml": points.append}).read()

    assert Repository.named("records").address == "api+https://api.example/v2/records?kind=scan"
    tape = import_module("tape.settings").TapeSettings
    assert tape(host="library", path="a").address() == "tape://library/a"
    (named,) = (tomllib.loads(one)["project"]["entry-points"] for one in points)
    assert named == {"entrepot.providers": {"tape": "tape.settings:TapeSettings"}}


def test_repair(folder: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    stored(folder / "s3-archive", {}, labels={"tier": "gold"})
    write(folder / "in", {"a": "a", "b": "b"})
    sync(str(folder / "in"), ["s3-archive"])
    (folder / "s3-archive" / "a").unlink()

    Reader("repair.md", {"version=7": "version=1", "/mnt/old-copy": f"{folder}/in"}).read()

    assert files(folder / "s3-archive") == {"a": b"a", "b": b"b"}


def test_replicate(folder: Path) -> None:
    from prefect.blocks.system import Secret  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    Secret.model_validate({"value": "nobody:knows"}).save("upstream-login", overwrite=True)
    for name, tier in (("first", "gold"), ("second", "iron")):
        stored(folder / name, {"a": name}, labels={"tier": tier})
    stored(folder / "s3-backup", {})
    names = {"https://prefect.example/api": PREFECT_API_URL.value(), "/srv/": f"{folder}/"}

    Reader("replicate.md", names).read()

    assert files(folder / "s3-backup" / "first") == {"a": b"first"}
    assert files(folder / "s3-backup" / "second") == {"a": b"second"}
    assert {one.name for one in (folder / "copy").iterdir() if one.name[0] != "."} == {"first"}


def test_selection(folder: Path) -> None:
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    text = "t" * 2000
    stored(folder / "sftp-dropbox", {"a.csv": text, "reports/b": text, "small.csv": "s"})
    stored(folder / "s3-archive", {})
    hour_ago = time.time() - 3600
    for one in (folder / "sftp-dropbox").rglob("*"):
        os.utime(one, (hour_ago, hour_ago))
    conditions: list[str] = []

    Reader("selection.md", {}, languages={"sql": conditions.append}).read()

    assert set(files(folder / "s3-archive")) == {"a.csv", "reports/b"}
    wheres = conditions[0].splitlines()
    assert len(wheres) == 3
    for where in wheres:
        selection = SelectionSettings(where=where)
        sync("sftp-dropbox", [str(folder / "none")], selection=selection, allow_empty=True)


def test_steps(folder: Path) -> None:
    from flows.results.sync import SyncFailed  # noqa: PLC0415 - imports Prefect

    stored(folder / "sftp-partner", {"a.tmp": "t", "b": "well", "c": "EICAR"})
    stored(folder / "s3-archive", {})

    with pytest.raises(SyncFailed, match="the scanner says no"):
        Reader("steps.md", {}).read()

    assert files(folder / "s3-archive") == {"b": b"well"}


def test_tokens() -> None:
    Reader("tokens.md", {"2bb9709e6691": "TOKEN_ID"}).read()

    made = [one.note for one in Catalog.open().tokens.all()]
    assert made == ["ci of the lab", "trains fraud", "", "", "dashboard", ""]


def test_webhooks(folder: Path) -> None:
    stored(folder / "s3-inbox", {"a.csv": "12345"})
    stored(folder / "s3-archive", {})
    shown: list[Any] = []
    with Inbox() as inbox:
        reader = Reader(
            "webhooks.md",
            {"https://ingest.example/stored": inbox.url},
            languages={"json": lambda code: shown.append(json.loads(code))},
        )
        reader.read(before={2: lambda: write(folder / "s3-inbox", {"b.csv": "6"})})
        bodies = [json.loads(post.content) for post in inbox.posts]
        assert bodies == [[f"file://{folder}/s3-archive/{name}"] for name in ("a.csv", "b.csv")]
        received: Any = reader.here["received"]
        assert received(inbox.posts[1].content, inbox.posts[1].headers) == bodies[1]

        from blocks.webhook import Webhook  # noqa: PLC0415 - imports Prefect
        from flows.sync import sync  # noqa: PLC0415

        full = Webhook.model_validate({"url": inbox.url, "secret": "plain text", "body": "full"})
        write(folder / "s3-inbox", {"c.csv": "7"})
        sync("s3-inbox", ["s3-archive"], webhook=full)
        post = inbox.posts[2]
        received_full = Verifier(b"plain text").verify(post.content, dict(post.headers))
        assert shape(received_full) == shape(shown[1])
    assert shape(shown[0][:1]) == shape(bodies[0])


def test_workflows(
    s3_server: S3Server, sftp_server: SftpServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3_server, "nightly-source", {"incoming/a.csv": b"1", "incoming/b.csv": b"2"})
    put(s3_server, "nightly-archive", {})
    key = sftp_server.client_key.read_text()
    login = {"SOURCE_KEY": s3_server.access_key, "SOURCE_SECRET": s3_server.secret_key}
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    ours = {
        "endpoint: source.example.com": f"endpoint: {s3_server.endpoint}",
        "bucket: source": "bucket: nightly-source",
        "bucket: archive": f"bucket: nightly-archive\n  endpoint: {s3_server.endpoint}\n"
        "  accessKeyID: $SOURCE_KEY\n  secretAccessKey: $SOURCE_SECRET",
        "host: files.partner.example": f"host: {sftp_server.host}\n  port: {sftp_server.port}\n"
        f"  path: {folder}/inbox\n  known_hosts: {sftp_server.known_hosts}",
        "username: us": f"username: {sftp_server.user}",
        "password: ${PARTNER_PASSWORD}": f"private_key: |\n{indent(key, ' ' * 4)}",
        "interval: 300s": "interval: 0",
    }
    with Inbox() as inbox, sync_deployed("inbox-archive"):
        ours["https://ingest.example/stored"] = inbox.url
        taken = {"yaml": (folder / "nightly.yaml").write_text}
        Reader("workflows.md", ours, languages=taken).read()
        assert len(inbox.posts) == 1

    assert files(folder / "inbox") == {"a.csv": b"1", "b.csv": b"2"}
    marked = {"meta/a.csv.done", "meta/b.csv.done"}
    assert s3_server.keys("nightly-archive") == {"a.csv", "b.csv"} | marked
    assert s3_server.keys("nightly-source") == set()


def shape(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the keys and kinds of a JSON value."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value)


PICTURE = "a picture, not a command"


def test_every_page_is_run() -> None:
    tests = "".join(one.read_text() for one in Path(__file__).parents[2].rglob("test_*.py"))
    pages = [DOCS / ".." / "README.md", *DOCS.rglob("*.md")]
    assert len(pages) > 40
    left_out: list[str] = []
    for page in pages:
        found = blocks(str(page.relative_to(DOCS)))
        left_out += [one.reason for one in found if one.reason and one.reason != PICTURE]
        name = str(page.relative_to(DOCS))
        if name.startswith("coming-from/") or any(one.reason is None for one in found):
            assert f'"{name}"' in tests, f"no test reads {page}"
    assert len(left_out) <= 10, left_out
    assert all(len(one.split()) >= 4 for one in left_out)
