"""The WebDAV provider against WsgiDAV."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from catalog.errors import AccessDenied, SecretInUrl
from providers.testing.conformance import Conformance
from providers.testing.subject import OPTIONS, Subject, seed_through
from providers.webdav.settings import WebdavSettings
from tests.servers.process import free_ports
from tests.servers.webdav import WebdavServer


class TestWebdav(Conformance):
    """A folder of WsgiDAV, made by the first write."""

    @pytest.fixture
    def subject(self, webdav_server: WebdavServer) -> Iterator[Subject]:
        name = uuid4().hex
        settings = WebdavSettings(
            url=f"{webdav_server.url}/{name}",
            username=webdav_server.user,
            password=SecretStr(webdav_server.password),
        )
        storage = settings.open(OPTIONS)
        root = webdav_server.root / name

        def raw() -> Iterator[str]:
            for one in root.rglob("*"):
                if one.is_file():
                    yield str(one.relative_to(root))

        dead = settings.model_copy(update={"url": f"http://127.0.0.1:{free_ports(1)[0]}/x"})
        yield Subject(
            settings,
            storage,
            seed_through(storage),
            raw=raw,
            dead=dead,
            refused=frozenset({"newline", "control"}),
            mangled=frozenset({"url", "quotes"}),  # WsgiDAV cuts a Destination at a semicolon
            secret=webdav_server.password,
        )
        storage.close()


def test_a_wrong_password_is_access_denied(webdav_server: WebdavServer) -> None:
    settings = WebdavSettings(url=webdav_server.url, username="alice", password=SecretStr("wrong"))
    storage = settings.open(OPTIONS)
    with pytest.raises(AccessDenied):
        list(storage.enumerate())
    storage.close()


@pytest.mark.parametrize(
    ("url", "address", "user"),
    [
        ("webdav://host/a%20b/", "webdav://host/a%20b", ""),
        ("davs://bob@HOST:443/x", "webdavs://host/x", "bob"),
        ("dav://host:8080", "webdav://host:8080", ""),
    ],
)
def test_addresses_are_canonical(url: str, address: str, user: str) -> None:
    settings = WebdavSettings.from_url(url)
    assert (settings.address(), settings.username) == (address, user)


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(SecretInUrl):
        WebdavSettings.from_url("webdav://bob:geheim@host/x")
