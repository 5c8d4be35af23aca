"""Uploads over HTTP: bodies and forms, digests and sizes, names; what is refused leaves nothing."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import Running, serving
from tests.gateway.upload_folders import (
    RESOURCES,
    files_below,
    got,
    kind_of,
    left,
    path_of,
    put,
    versions,
)

Tenants = dict[str, dict[str, Any]]
DATA = b"some bytes of a resource"
SHA256, SHA512, MD5 = (
    hashlib.new(one, DATA, usedforsecurity=False) for one in ("sha256", "sha512", "md5")
)


def in_base64(digest: bytes) -> str:
    """Return a digest as headers have it."""
    return base64.b64encode(digest).decode()


def test_a_form_is_an_upload_too(running: Running) -> None:
    files = {"input": ("whatever.txt", DATA, "text/x-own")}
    fields = {"properties": '{"author": "bob"}', "sha512": SHA512.hexdigest()}
    reply = running.client.put(
        path_of("upload", "a/b"), files=files, data=fields, params={"properties": "editor=vim"}
    )
    assert reply.status_code == 201, reply.text
    (told,) = reply.json()["metadata"]
    assert told["properties"] == {"author": "bob", "editor": "vim"}
    assert told["type"] == "text/x-own"
    assert told["digests"] == {"sha256": SHA256.hexdigest(), "sha512": SHA512.hexdigest()}
    assert got(running.client, "a/b") == DATA


def test_fields_may_stand_behind_the_file(running: Running) -> None:
    def part(name: str, value: bytes, more: bytes = b"") -> bytes:
        head = b'--xyz\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
        return head % (name.encode(), more) + value + b"\r\n"

    after = part("sha256", SHA256.hexdigest().encode()) + part("properties", b'{"n": 3}')
    body = part("input", DATA, b'; filename="x"') + after + b"--xyz--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=xyz"}
    reply = running.client.put(path_of("upload", "a"), content=body, headers=headers)
    assert reply.status_code == 201, reply.text
    assert reply.json()["metadata"][0]["properties"] == {"n": "3"}
    wrong = body.replace(SHA256.hexdigest().encode(), b"0" * 64)
    reply = running.client.put(path_of("upload", "b"), content=wrong, headers=headers)
    assert (reply.status_code, kind_of(reply)) == (400, "DigestMismatch")
    cut = running.client.put(path_of("upload", "b"), content=body[:-9], headers=headers)
    assert (cut.status_code, versions(running.client, "b")) == (400, [])


@pytest.mark.parametrize(
    ("told", "kept"), [("application/x-www-form-urlencoded", None), ("text/csv", "text/csv")]
)
def test_a_raw_body_has_the_type_that_is_told(
    running: Running, told: str, kept: str | None
) -> None:
    reply = running.client.put(
        path_of("upload", "typed"), content=DATA, headers={"content-type": told}
    )
    assert reply.status_code == 201, reply.text
    assert reply.json()["metadata"][0].get("type") == kept
    served = running.client.get(path_of("download", "typed")).headers["content-type"]
    assert served == (kept or "application/octet-stream")


RIGHT: list[dict[str, str]] = [
    {"repr-digest": f"sha-256=:{in_base64(SHA256.digest())}:"},
    {"content-digest": f"sha-512=:{in_base64(SHA512.digest())}:, unknown=:AAAA:"},
    {"x-checksum-sha256": SHA256.hexdigest().upper()},
    {"content-md5": in_base64(MD5.digest()), "x-checksum-sha512": SHA512.hexdigest()},
]


@pytest.mark.parametrize("headers", RIGHT, ids="+".join)
def test_a_right_digest_is_kept(running: Running, headers: dict[str, str]) -> None:
    told = put(running.client, "a", DATA, headers=headers)
    assert told["digests"]["sha256"] == SHA256.hexdigest()
    assert set(told["digests"]) <= {"sha256", "sha512"}


WRONG: list[tuple[dict[str, str], str]] = [
    ({"repr-digest": f"sha-256=:{in_base64(bytes(32))}:"}, "DigestMismatch"),
    ({"x-checksum-sha512": "0" * 128}, "DigestMismatch"),
    ({"x-checksum-sha256": "abc"}, "InvalidInput"),
    ({"content-md5": in_base64(MD5.digest())}, "DigestNotAllowed"),
    ({"content-md5": "!!"}, "InvalidInput"),
    ({"x-checksum-sha1": "0" * 40}, "DigestNotAllowed"),
]


@pytest.mark.parametrize(("headers", "kind"), WRONG, ids=lambda one: str(one)[:40])
def test_a_wrong_or_untrusted_digest_is_refused_and_nothing_stored(
    running: Running, headers: dict[str, str], kind: str
) -> None:
    reply = running.client.put(path_of("upload", "a"), content=DATA, headers=headers)
    assert (reply.status_code, kind_of(reply)) == (400, kind)
    assert left(running.client, running.folder) == []
    assert put(running.client, "a", DATA)["version"] == "0"


@pytest.mark.parametrize("size", ["23", "25", "-1", "many", "9" * 30])
def test_a_wrong_size_is_refused_and_nothing_stored(running: Running, size: str) -> None:
    reply = running.client.put(
        path_of("upload", "a"), data={"size": size}, files={"input": ("x", DATA)}
    )
    assert reply.status_code == 400
    assert left(running.client, running.folder) == []


FORMS: list[dict[str, Any]] = [
    {"files": {"other": ("x", DATA)}},
    {"files": [("input", ("x", DATA)), ("input", ("y", DATA))]},
    {"files": {"input": ("x", DATA)}, "data": {"properties": "no json"}},
    {"files": {"input": ("x", DATA)}, "data": {"properties": "[1]"}},
    {"files": {"input": ("x", DATA)}, "data": {"properties": '{"a": "\\ud800"}'}},
    {"files": {"input": ("x", DATA)}, "data": {"properties": '{"a": "\\u0000"}'}},
    {"files": {"input": ("x", DATA)}, "data": {"properties": '{"": "x"}'}},
    {"files": {"input": ("x", DATA)}, "data": {"properties": json.dumps({"a": "x" * 5000})}},
    {"files": {"input": ("x", DATA)}, "data": {"encoding": "a\r\nx-evil: 1"}},
    {"files": {"input": ("x", DATA, "text/plain\u00fc")}},
    {"files": {"input": ("x", DATA)}, "params": {"properties": "none"}},
    {"content": DATA, "headers": {"content-type": "multipart/form-data"}},
    {"content": DATA, "headers": {"content-type": "multipart/form-data; boundary=abc"}},
]


@pytest.mark.parametrize("given", FORMS, ids=range(len(FORMS)))
def test_a_form_that_cannot_be_used_is_refused_and_nothing_stored(
    running: Running, given: dict[str, Any]
) -> None:
    reply = running.client.put(path_of("upload", "a"), **given)
    assert reply.status_code == 400, reply.text
    assert left(running.client, running.folder) == []


def asked(running: Running, method: str, target: str, data: bytes = b"") -> int:
    """Send a target as it is, which httpx would tidy up, and return the status."""
    host = running.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, target, body=data)
        return connection.getresponse().status
    finally:
        connection.close()


NAMES = {
    "climbing": "a/../../b",
    "encoded": "a/%2e%2e/%2e%2e/b",
    "both": "..%2f..%2fetc/passwd",
    "dots": "%2e%2e",
    "double": "a//b",
    "absolute": "//etc/passwd",
    "backslash": "a%5c..%5cb",
    "null": "a%00b",
    "newline": "a%0ab",
    "bell": "a%07",
    "bidi": "a%E2%80%AEtxt",
    "latin": "a%FF",
    "device": "x/NUL.txt",
    "ours": ".entrepot/x",
    "space": "x%20/y",
    "dot": "x./y",
    "folder": "x/",
    "long": "x" * 256,
    "longer": "/".join(["x" * 200] * 6),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_that_is_not_safe_is_refused(running: Running, name: str) -> None:
    base = f"{RESOURCES}/upload/{name}"
    assert asked(running, "PUT", base, DATA) in (400, 404, 422)
    for action in ("download", "metadata"):
        assert asked(running, "GET", f"{RESOURCES}/{action}/{name}") in (400, 404, 422)
    assert left(running.client, running.folder) == []
    put(running.client, "a", DATA)
    for action in ("copy", "move"):
        target = f"{RESOURCES}/{action}/a?to={name}"
        assert asked(running, "POST", target) in (400, 422), name
    assert versions(running.client, "a") == [0]
    assert files_below(running.folder) == [
        one for one in files_below(running.folder) if one.startswith("catalog/")
    ]


def test_a_large_body_for_a_refused_name_still_hears_why(running: Running) -> None:
    reply = running.client.put(f"{RESOURCES}/upload/NUL", content=bytes(20 * 2**20))
    assert (reply.status_code, kind_of(reply)) == (400, "NameNotAllowed")


def test_concurrent_uploads_of_one_name_get_distinct_versions(running: Running) -> None:
    count = 24

    def one(n: int) -> int:
        return int(put(running.client, "a/b", b"%d" % n)["version"])

    with ThreadPoolExecutor(count) as pool:
        given = list(pool.map(one, range(count)))
    assert sorted(given) == list(range(count))
    for n, version in enumerate(given):
        assert got(running.client, "a/b", version=version) == b"%d" % n
    assert got(running.client, "a/b") == b"%d" % given.index(count - 1)


def test_two_gateways_on_one_catalog_give_distinct_versions(tmp_path: Path) -> None:
    with serving(tmp_path) as first, serving(tmp_path) as second, ThreadPoolExecutor(8) as pool:
        assert versions(first.client, "a") == versions(second.client, "a") == []  # routes are made
        clients = [first.client, second.client] * 8
        made = list(pool.map(put, clients, ["a"] * 16, [b"x"] * 16))
        given = [int(one["version"]) for one in made]
        assert sorted(given) == list(range(16))
        assert versions(first.client, "a") == list(range(16))


def test_tenants_see_nothing_of_each_other(tmp_path: Path) -> None:
    tenants: Tenants = {"ann": {"repositories": {}}, "bob": {"repositories": {}}}
    with serving(tmp_path, tenants=tenants) as running:
        client = running.client
        made = client.put("/v1/ann/resources/upload/secret-plan", content=DATA)
        assert made.status_code == 201
        listed = client.get("/v1/bob/resources/list").json()
        assert listed["metadata"] == []
        never = client.get("/v1/bob/resources/download/never")
        reply = client.get("/v1/bob/resources/download/secret-plan")
        assert reply.status_code == never.status_code == 404
        assert reply.json()["error"]["message"] == never.json()["error"]["message"].replace(
            "never", "secret-plan"
        )
        for url in (made.json()["metadata"][0]["storage"]["url"], "file:///etc/passwd"):
            refused = client.put("/v1/bob/resources/register/x", json={"url": url})
            assert refused.status_code == 400
        own = client.put("/v1/bob/resources/upload/secret-plan", content=b"bob's").json()
        assert own["metadata"][0]["version"] == "0"
        assert client.get("/v1/ann/resources/download/secret-plan").content == DATA
        assert client.get("/v1/nobody/resources/list").status_code == 404


def test_tokens_open_their_own_tenant_in_their_role(tmp_path: Path) -> None:
    from catalog.access.grants import Role  # noqa: PLC0415

    tenants: Tenants = {"ann": {"repositories": {}}, "bob": {"repositories": {}}}
    with serving(tmp_path, tenants=tenants) as running:
        every = list(running.application.gateway.tenants)
        texts = {
            (one.name, role): one.catalog.tokens.create(role)[1] for one in every for role in Role
        }

        def status(method: str, path: str, token: str | None, **given: Any) -> int:  # noqa: ANN401
            headers = {} if token is None else running.tokens(token)
            return running.client.request(method, path, headers=headers, **given).status_code

        upload, download = "/v1/ann/resources/upload/a", "/v1/ann/resources/download/a"
        reader, writer = texts["ann", Role.READER], texts["ann", Role.WRITER]
        assert status("PUT", upload, None, content=DATA) == 401
        assert status("PUT", upload, reader, content=DATA) == 403
        assert status("PUT", upload, writer, content=DATA) == 201
        assert status("GET", download, reader) == 200
        assert status("GET", download, None) == 401
        other = {role: status("GET", download, texts["bob", role]) for role in Role}
        assert set(other.values()) == {403}
