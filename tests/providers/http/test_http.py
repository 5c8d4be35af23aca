"""The HTTP provider: the reading suite against nginx, and what is special to web servers."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from catalog.errors import (
    AccessDenied,
    ManifestError,
    NotSupported,
    ResourceChanged,
    ResourceNotFound,
    SecretInUrl,
    SizeMismatch,
    StorageBusy,
    UnexpectedReply,
)
from catalog.model.digest import Digest
from providers.base import Attributes
from providers.http import socket
from providers.http.settings import HttpSettings
from providers.http.storage import HttpStorage
from providers.testing.reading import ReadingConformance
from providers.testing.subject import NAMES, OPTIONS, Subject, files_of, names, read_all
from tests.servers.faulty import Fault, FaultyServer, chunked, half_body, redirect, status
from tests.servers.nginx import NginxServer
from tests.servers.process import free_ports


def place(root: Path, path: str, data: bytes) -> None:
    """Put a file into the server's tree at once, as a new file."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


class TestHttp(ReadingConformance):
    """A folder of nginx with its directory pages, in HTML and in JSON."""

    @pytest.fixture(params=["html", "json"])
    def subject(
        self, nginx_server: NginxServer, request: pytest.FixtureRequest
    ) -> Iterator[Subject]:
        name = uuid4().hex
        root = nginx_server.root / name
        root.mkdir()
        where = f"{nginx_server.http}/{'.json/' if request.param == 'json' else ''}{name}"
        settings = HttpSettings(url=where, password=SecretStr("s3cret"))
        storage = settings.open(OPTIONS)
        dead = HttpSettings(url=f"http://127.0.0.1:{free_ports(1)[0]}/x")
        # nginx's page never lists names that begin with a dot.
        yield Subject(
            settings,
            storage,
            lambda path, data: place(root, path, data),
            dead=dead,
            refused=frozenset({"dots"}),
        )
        storage.close()
        shutil.rmtree(root)


@contextmanager
def opened(
    url: str,
    **settings: Any,  # noqa: ANN401 - any setting
) -> Generator[HttpStorage, None, None]:
    storage = HttpSettings(url=url, **settings).open(OPTIONS)
    assert isinstance(storage, HttpStorage)
    try:
        yield storage
    finally:
        storage.close()


def page(*hrefs: str) -> bytes:
    return "".join(f'<a href="{one}">x</a>' for one in hrefs).encode()


def test_a_file_whose_head_fails_is_an_error_not_a_gap(faulty_server: FaultyServer) -> None:
    faulty_server.script("/d/", status(200, {"Content-Type": "text/html"}, page("a", "b", "gone")))
    faulty_server.files |= {"/d/a": b"a", "/d/b": b"b"}
    faulty_server.script("/d/b", status(503))
    with opened(faulty_server.url + "/d") as storage, pytest.raises(StorageBusy):
        list(storage.enumerate())
    faulty_server.script("/d/", status(200, {"Content-Type": "text/html"}, page("a", "b", "gone")))
    with opened(faulty_server.url + "/d") as storage:
        assert names(storage.enumerate()) == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(404), ResourceNotFound),
        (status(403), AccessDenied),
        (status(503), StorageBusy),
        (status(200, {"Content-Type": "application/zip"}), UnexpectedReply),
        (status(200, {"Content-Type": "application/json"}, b"[{"), UnexpectedReply),
        (status(200, {"Content-Type": "application/json"}, b"[1]"), UnexpectedReply),
    ],
)
def test_a_page_that_is_no_listing_is_an_error(
    faulty_server: FaultyServer, answer: Fault, error: type[Exception]
) -> None:
    faulty_server.script("/d/", answer)
    with opened(faulty_server.url + "/d") as storage, pytest.raises(error):
        list(storage.enumerate())


def test_the_body_of_an_error_is_never_returned(faulty_server: FaultyServer) -> None:
    with opened(faulty_server.url) as storage:
        for _ in range(2):
            with pytest.raises(ResourceNotFound):
                storage.fetch("missing")
            with pytest.raises(ResourceNotFound):
                storage.read("missing")


def test_a_server_without_head_is_asked_by_get(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = b"abc"
    faulty_server.script("/a", status(405))
    with opened(faulty_server.url, targets=["a"]) as storage:
        (one,) = files_of(storage.enumerate())
    assert (one.path, one.size) == ("a", 3)


def test_targets_take_the_place_of_a_listing(faulty_server: FaultyServer) -> None:
    faulty_server.files |= {"/x/a": b"a", "/x/d/b c": b"b", "/x/d%20e": b"c", "/x/d/b%20c": b"b"}
    with opened(faulty_server.url + "/x", targets=["a", "d e", "d/b c"]) as storage:
        assert names(storage.enumerate()) == ["a", "d e", "d/b c"]
        assert names(storage.enumerate("d")) == ["d/b c"]
    with (
        opened(faulty_server.url, targets=["missing"]) as storage,
        pytest.raises(ResourceNotFound),
    ):
        list(storage.enumerate())


def test_a_query_goes_with_every_request_and_is_never_shown(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a?sig=geheim"] = b"abc"
    settings = HttpSettings.from_url(faulty_server.url + "/?sig=geheim")
    assert "geheim" not in settings.address() + repr(settings) + settings.model_dump_json()
    storage = settings.open(OPTIONS)
    assert storage.fetch("a").data == b"abc"
    with pytest.raises(ResourceNotFound) as caught:
        storage.fetch("b")
    assert "geheim" not in str(caught.value)
    storage.close()


def test_a_server_that_ignores_ranges_still_gives_the_range(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = bytes(range(200))
    with opened(faulty_server.url) as storage:
        for start, length in ((5, 10), (190, None), (0, 3)):
            faulty_server.script("/a", chunked(), status(200, body=bytes(range(200))))
            want = bytes(range(200))[start:][:length]
            for _ in range(2):
                reader = storage.read("a", start=start, length=length)
                assert b"".join(bytes(one) for one in reader) == want


def test_a_server_that_ignores_if_match_is_seen_through(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = b"abc"
    with opened(faulty_server.url) as storage:
        for etag in ('"planned"', 'W/"planned"'):
            faulty_server.script("/a", *[status(200, {"ETag": '"other"'}, b"abc")] * 2)
            with pytest.raises(ResourceChanged):
                storage.fetch("a", etag=etag)
            with pytest.raises(ResourceChanged):
                storage.read("a", etag=etag)
        faulty_server.script("/a", status(200, {"ETag": 'W/"planned"'}, b"abc"))
        assert storage.fetch("a", etag='W/"planned"').data == b"abc"
        assert faulty_server.seen[-1].headers.get("If-Match") is None


def test_a_body_cut_short_is_a_size_mismatch(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = bytes(100_000)
    faulty_server.script("/a", half_body(), half_body())
    with opened(faulty_server.url) as storage:
        with pytest.raises(SizeMismatch):
            storage.fetch("a")
        with pytest.raises(SizeMismatch):
            list(storage.read("a"))


def test_digests_in_headers_are_declared(faulty_server: FaultyServer) -> None:
    data = b"abc"
    text = b64encode(sha256(data).digest()).decode()
    for name, value in (
        ("Repr-Digest", f"sha-256=:{text}:, unknown=:x:"),
        ("Digest", f"SHA-256={text}"),
    ):
        faulty_server.script("/a", status(200, {name: value}, data))
        with opened(faulty_server.url) as storage:
            assert storage.fetch("a").resource.digests == (Digest.of(data),)


def test_a_redirected_file_comes_from_where_it_is(nginx_server: NginxServer) -> None:
    with FaultyServer() as server:
        place(nginx_server.root, "moved/a", b"moved")
        server.script("/a", redirect(nginx_server.http + "/moved/a"))
        with opened(server.url) as storage:
            assert storage.fetch("a").data == b"moved"


def test_no_request_goes_into_a_private_network(
    faulty_server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_server.files["/a"] = b"inner"
    with (
        opened(faulty_server.url, public_only=True) as storage,
        pytest.raises(AccessDenied, match="private network"),
    ):
        storage.fetch("a")
    assert not faulty_server.requests

    with FaultyServer() as outer:  # counts as public; what it leads to does not
        answers = iter((True, False))

        def in_turn(_address: str) -> bool:
            return next(answers)

        monkeypatch.setattr(socket, "is_public", in_turn)
        outer.script("/a", redirect(faulty_server.url + "/a"))
        with (
            opened(outer.url, public_only=True) as storage,
            pytest.raises(AccessDenied, match=f":{faulty_server.port} resolves to a private"),
        ):
            storage.fetch("a")
        assert outer.requests["/a"] == 1
    assert not faulty_server.requests


def test_tls_and_client_certificates_by_settings(nginx_server: NginxServer) -> None:
    place(nginx_server.root, "secure/a", b"secure")
    pems = nginx_server.certificates
    with opened(
        nginx_server.mutual + "/secure",
        certificate=pems.ca.read_text(),
        client_certificate=pems.client.read_text(),
        client_key=SecretStr(pems.client_key.read_text()),
    ) as storage:
        assert names(storage.enumerate()) == ["a"]
        assert storage.fetch("a").data == b"secure"
    for settings in ({}, {"certificate": pems.ca.read_text()}):
        with (
            opened(nginx_server.mutual + "/secure", **settings) as storage,
            pytest.raises((UnexpectedReply, AccessDenied)),
        ):
            storage.fetch("a")


def test_nothing_can_be_written(faulty_server: FaultyServer) -> None:
    with opened(faulty_server.url) as storage:
        with pytest.raises(NotSupported):
            storage.put("a", b"", Attributes())
        with pytest.raises(NotSupported):
            storage.write("a", Attributes())
        with pytest.raises(NotSupported):
            storage.remove("a")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "ftp://host/"}, "must start with http"),
        ({"url": "http://host/?a=1"}, "put the query"),
        ({"url": "http://bob@host/"}, "put the user"),
        ({"url": "http://bob:pw@host/"}, "contains a password"),
        ({"url": "http://host/", "client_certificate": "x"}, "needs its client key"),
        ({"url": "http://host/", "client_key": "x"}, "needs its client certificate"),
        ({"url": "http://host/", "headers": {"X": 1}}, "headers"),
        ({"url": "http://host/", "headers": {"X": "a\nb"}}, "must be a single line"),
        ({"url": "http://host/", "targets": ["../x"]}, "unsafe path"),
        ({"url": "http://host/", "proxy_url": "http://u:p@proxy"}, "contains a password"),
        ({"url": "http://host/", "username": "a", "bearer_token": "b"}, "not both"),
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        HttpSettings.model_validate(fields)


@pytest.mark.parametrize(
    ("url", "address", "manifest"),
    [
        ("http://HOST:80/a%20b/", "http://host/a%20b", ""),
        ("https://host:443", "https://host", ""),
        ("https://host:8443/x/PULP_MANIFEST", "https://host:8443/x/PULP_MANIFEST", "PULP_MANIFEST"),
        ("https://host/x/SHA256SUMS", "https://host/x/SHA256SUMS", "SHA256SUMS"),
    ],
)
def test_addresses_are_canonical(url: str, address: str, manifest: str) -> None:
    settings = HttpSettings.from_url(url)
    assert (settings.address(), settings.manifest) == (address, manifest)
    assert HttpSettings.from_url(address).address() == address


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(SecretInUrl) as caught:
        HttpSettings.from_url("https://bob:geheim@host/x")
    assert "geheim" not in str(caught.value)


def test_headers_and_url_do_not_change_the_connection() -> None:
    plain = HttpSettings(url="http://a/x")
    other = HttpSettings(url="http://b/y", headers={"X": "1"})
    assert plain.connection_key() == other.connection_key()
    assert plain.connection_key() != HttpSettings(url="http://a", username="x").connection_key()


def test_a_manifest_is_the_listing(nginx_server: NginxServer) -> None:
    folder = f"manifest-{uuid4().hex}"
    for path, data in (("a,b.txt", b"abc"), ("d/e f", b"")):
        place(nginx_server.root, f"{folder}/{path}", data)
    sums = f"# ours\n{sha256(b'abc').hexdigest()}  ./a,b.txt\n{sha256(b'').hexdigest()} *d/e f\n"
    pulp = f"a,b.txt,{sha256(b'abc').hexdigest()},3\n\nd/e f,{sha256(b'').hexdigest()},0"
    for name, text in (("SHA256SUMS", sums), ("PULP_MANIFEST", pulp)):
        place(nginx_server.root, f"{folder}/{name}", text.encode())
        storage = HttpSettings.from_url(f"{nginx_server.http}/{folder}/{name}").open(OPTIONS)
        listed = files_of(storage.enumerate())
        assert [one.path for one in listed] == ["a,b.txt", "d/e f"]
        assert [one.digests for one in listed] == [(Digest.of(b"abc"),), (Digest.of(b""),)]
        assert names(storage.enumerate("d")) == ["d/e f"]
        assert names(storage.enumerate(recursive=False)) == ["a,b.txt"]
        assert storage.fetch("a,b.txt").data == b"abc"
        storage.close()
    place(nginx_server.root, f"{folder}/PULP_MANIFEST", b"a,b,3\n")
    storage = HttpSettings.from_url(f"{nginx_server.http}/{folder}/PULP_MANIFEST").open(OPTIONS)
    with pytest.raises(ManifestError, match="line 1"):
        list(storage.enumerate())
    storage.close()


def test_every_odd_name_is_asked_for_exactly(faulty_server: FaultyServer) -> None:
    with opened(faulty_server.url) as storage:
        for path in NAMES.values():
            faulty_server.files["/" + quote(path, safe="/!$'()*+,=:@-._~")] = path.encode()
            assert storage.fetch(path).data == path.encode()
            assert read_all(storage, path) == path.encode()
