"""Artifacts over HTTP: packages named by coordinates, replaced only where that is asked for."""

from __future__ import annotations

import io
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.errors import InvalidInput
from gateway.resource_store.packages import Coordinates, parse_metadata
from tests.gateway.conftest import Running, serving
from tests.gateway.upload_folders import RESOURCES, files_below, kind_of

ARTIFACTS = "/v1/mytenant/artifacts"
METADATA = """
type: model
group: org.acme.fraud
artifact: scorer
version: 1.10
displayName: Scorer
description: Scores payments
provider: acme
tags: [a, b]
"""


def package(metadata: str = METADATA, name: str = "metadata.yml", **more: bytes) -> bytes:
    """Return a zip with a metadata.yml."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, metadata)
        for member, data in more.items():
            archive.writestr(member, data)
    return made.getvalue()


def uploaded(client: httpx.Client, *packages: bytes, name: str = "scorer.zip", **more: Any) -> Any:  # noqa: ANN401 - JSON
    """Upload packages, and return the reply."""
    files = [("artifact", (name, one, "application/zip")) for one in packages]
    return client.post(f"{ARTIFACTS}/upload", files=files, **more)


def stored(running: Running) -> list[str]:
    """Return every file of the tenant's storage."""
    return files_below(running.folder / "catalog" / "catalog.duckdb.d" / "resources" / "mytenant")


def test_a_package_is_stored_by_its_coordinates(running: Running) -> None:
    data = package(model=bytes(5000))
    reply = uploaded(running.client, data)
    assert reply.status_code == 201, reply.text
    (told,) = reply.json()
    created, digests = told.pop("createdAt"), told.pop("digests")
    assert created.endswith("Z")
    assert set(digests) == {"sha256"}
    url = told["storage"].pop("url")
    assert url.endswith("/model/org/acme/fraud/scorer/1.10/0/scorer.zip")
    assert told == {
        "group": "org.acme.fraud",
        "artifact": "scorer",
        "file": "scorer.zip",
        "version": "1.10",
        "size": len(data),
        "type": "model",
        "storage": {"backend": "file"},
        "properties": {
            "displayName": "Scorer",
            "description": "Scores payments",
            "provider": "acme",
            "tags": "a, b",
        },
    }
    target = f"{ARTIFACTS}/download/model:org.acme.fraud:scorer:1.10"
    found = running.client.get(target)
    assert (found.status_code, found.content) == (200, data)
    assert running.client.get(target, headers={"range": "bytes=0-3"}).content == data[:4]
    assert running.client.head(target).headers["content-length"] == str(len(data))
    assert stored(running) == ["model/org/acme/fraud/scorer/1.10/0/scorer.zip"]
    (listed,) = running.client.get(f"{RESOURCES}/list").json()["metadata"]
    assert listed["properties"]["coordinates"] == "model:org.acme.fraud:scorer:1.10"


def test_the_same_coordinates_are_refused_unless_they_are_replaced(running: Running) -> None:
    assert uploaded(running.client, package()).status_code == 201
    other = package(METADATA.replace("Scorer", "Better"), model=b"better")
    refused = uploaded(running.client, other)
    assert (refused.status_code, kind_of(refused)) == (409, "ContentConflict")
    for given in ({"params": {"override": "true"}}, {"data": {"override": "true"}}):
        replaced = uploaded(running.client, other, name="other.zip", **given)
        assert replaced.status_code == 201, replaced.text
        (told,) = running.client.get(f"{ARTIFACTS}/metadata").json()
        assert (told["file"], told["properties"]["displayName"]) == ("other.zip", "Better")
        target = f"{ARTIFACTS}/download/model:org.acme.fraud:scorer:1.10"
        assert running.client.get(target).content == other
        assert len(stored(running)) == 1


def test_of_many_at_once_one_gets_the_coordinates(running: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(uploaded, [running.client] * 8, [package()] * 8))
    assert sorted(one.status_code for one in found) == [201, *[409] * 7]
    assert len(stored(running)) == 1


def test_several_packages_are_stored_together_or_not_at_all(running: Running) -> None:
    one, two = (package(METADATA.replace("1.10", version)) for version in ("1", "2"))
    assert uploaded(running.client, one, b"no zip").status_code == 400
    assert uploaded(running.client, one, one).status_code == 400
    assert stored(running) == []
    assert len(uploaded(running.client, one, two).json()) == 2
    assert uploaded(running.client, package(METADATA.replace("1.10", "3")), two).status_code == 409
    assert len(stored(running)) == 2


def test_what_is_known_is_asked_for_by_coordinates(running: Running) -> None:
    for kind, group, version in (
        ("model", "org.acme", "1"),
        ("model", "org.acme", "2"),
        ("model", "org.acme.fraud", "1"),
        ("pex", "org.acme", "1"),
    ):
        text = f"{{type: {kind}, group: {group}, artifact: scorer, version: {version}}}"
        assert uploaded(running.client, package(text)).status_code == 201
    assert running.client.get(f"{ARTIFACTS}/types").json() == ["model", "pex"]

    def asked(**params: Any) -> list[tuple[str, str, str]]:  # noqa: ANN401 - httpx's
        reply = running.client.get(f"{ARTIFACTS}/metadata", params=params)
        assert reply.status_code == 200, reply.text
        return [(one["type"], one["group"], one["version"]) for one in reply.json()]

    assert len(asked()) == 4
    assert asked(group="org.acme", version="1") == [
        ("model", "org.acme", "1"),
        ("pex", "org.acme", "1"),
    ]
    assert asked(group="org.acme", artifact="scorer", version="2") == [("model", "org.acme", "2")]
    assert asked(group="org") == []
    first = running.client.get(f"{ARTIFACTS}/metadata", params={"limit": 3})
    rest = asked(limit=3, cursor=first.headers["x-next-cursor"])
    assert (len(first.json()), len(rest)) == (3, 1)


def test_a_package_that_lies_elsewhere_is_registered(tmp_path: Path) -> None:
    data = package()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.zip").write_bytes(data)
    tenants = {"mytenant": {"repositories": {}, "local_roots": [str(tmp_path)]}}
    with serving(tmp_path, tenants=tenants) as running:
        url = (tmp_path / "elsewhere" / "far.zip").as_uri()
        files = {"metadata": ("metadata.yml", METADATA)}

        def register(**fields: str) -> httpx.Response:
            target = f"{ARTIFACTS}/register"
            return running.client.post(target, files=files, data={"url": url, **fields})

        reply = register()
        assert reply.status_code == 201, reply.text
        assert reply.json()["storage"] == {"url": url, "backend": "external"}
        assert reply.json()["file"] == "far.zip"
        target = f"{ARTIFACTS}/download/model:org.acme.fraud:scorer:1.10"
        assert running.client.get(target).content == data
        assert register().status_code == 409
        assert register(override="true").status_code == 201
        assert len(running.client.get(f"{ARTIFACTS}/metadata").json()) == 1
        assert register(url="file:///etc/passwd").status_code == 400
        assert register(url="").status_code == 400
        assert register(override="perhaps").status_code == 400


def crowded() -> bytes:
    """Return a zip that claims a table of contents of a gigabyte."""
    data = package()
    at = data.rindex(b"PK\x05\x06")
    return bytes(2**23) + data[:at] + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 2**23, 0, 0)


ALIASES = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + METADATA
PACKAGES = {
    "empty": b"",
    "text": b"no zip at all",
    "cut": package(x=bytes(1000))[:-30],
    "no-metadata": package(name="other.yml"),
    "below": package(name="below/metadata.yml"),
    "crowded": crowded(),
    "bomb": package(METADATA + "# " + "x" * 50_000_000),
    "aliases": package(ALIASES),
    "deep": package("[" * 30_000),
    "list": package("[a, b]"),
    "lacking": package(METADATA.replace("artifact", "art")),
    "climbing": package(METADATA.replace("scorer", "../../x")),
    "group": package(METADATA.replace("org.acme.fraud", "org..acme")),
    "not-text": package("\x00"),
}


@pytest.mark.parametrize("data", PACKAGES.values(), ids=PACKAGES)
def test_a_package_that_cannot_be_used_is_refused(running: Running, data: bytes) -> None:
    reply = uploaded(running.client, data)
    assert (reply.status_code, kind_of(reply)) == (400, "InvalidInput"), reply.text
    assert stored(running) == []
    tmp = running.folder / "catalog" / "catalog.duckdb.d" / "tmp"
    assert files_below(tmp) == []


@pytest.mark.parametrize("text", ["a:b:c", "a:b:c:d:e", "a::c:d", "a:b:..:d", "a:b:c:d/e", ""])
def test_coordinates_have_four_parts_that_are_safe(running: Running, text: str) -> None:
    with pytest.raises(InvalidInput):
        Coordinates.parse(text)
    assert running.client.get(f"{ARTIFACTS}/download/{text}").status_code in (400, 404)


def test_what_was_never_uploaded_is_not_there(running: Running) -> None:
    reply = running.client.get(f"{ARTIFACTS}/download/a:b:c:1")
    assert (reply.status_code, kind_of(reply)) == (404, "NotRecorded")


def test_numbers_are_taken_as_they_are_written() -> None:
    found = parse_metadata(b"{type: t, group: g, artifact: a, version: 1.10, count: 007}")
    assert (found.coordinates.version, found.properties) == ("1.10", {"count": "007"})
