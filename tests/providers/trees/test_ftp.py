"""The FTP provider against pyftpdlib."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from catalog.errors import AccessDenied, SecretInUrl, UnexpectedReply
from catalog.model.digest import Digest
from providers.base import Attributes, OpenOptions
from providers.ftp.connection import FtpTls
from providers.ftp.list_parser import FtpEntry, parse_facts, parse_list
from providers.ftp.settings import FtpSettings
from providers.testing.conformance import Conformance
from providers.testing.subject import (
    LARGE,
    OPTIONS,
    Subject,
    files_of,
    names,
    read_all,
    seed_through,
)
from tests.servers.ftp import FtpServer
from tests.servers.nginx import NginxServer
from tests.servers.process import ServerMissingError, free_ports
from tests.servers.vsftpd import vsftpd


def settings_of(server: FtpServer, path: str) -> FtpSettings:
    return FtpSettings(
        host=server.host,
        port=server.port,
        path=path,
        username=server.user,
        password=SecretStr(server.password),
    )


def _no_features(_: object) -> frozenset[str]:
    return frozenset({"UTF8"})


class TestFtp(Conformance):
    """A folder of pyftpdlib."""

    @pytest.fixture
    def subject(self, ftp_server: FtpServer) -> Iterator[Subject]:
        name = uuid4().hex
        root = ftp_server.root / name
        root.mkdir()
        settings = settings_of(ftp_server, name)
        storage = settings.open(OPTIONS)

        def raw() -> Iterator[str]:
            for one in root.rglob("*"):
                if one.is_file():
                    yield str(one.relative_to(root))

        dead = settings.model_copy(update={"port": free_ports(1)[0]})
        yield Subject(
            settings,
            storage,
            seed_through(storage),
            raw=raw,
            dead=dead,
            refused=frozenset({"newline", "spaces", "trailing"}),
            secret=ftp_server.password,
        )
        storage.close()


def test_a_server_without_mlsd_is_listed_by_list(
    ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.ftp.connection._features", _no_features)
    storage = settings_of(ftp_server, uuid4().hex).open(OPTIONS)
    storage.put("a/b  c.txt", b"abc", Attributes())
    storage.put("d", b"", Attributes())
    assert names(storage.enumerate()) == ["a/b  c.txt", "d"]
    assert storage.fetch("a/b  c.txt").data == b"abc"
    assert [one.size for one in files_of(storage.enumerate("a"))] == [3]
    storage.close()


def test_a_wrong_password_is_access_denied(ftp_server: FtpServer) -> None:
    settings = settings_of(ftp_server, "x").model_copy(update={"password": SecretStr("wrong")})
    storage = settings.open(OpenOptions())  # this server thinks for three seconds before it says no
    with pytest.raises(AccessDenied):
        storage.stat("a")
    storage.close()


def test_the_source_time_is_kept(ftp_server: FtpServer) -> None:
    storage = settings_of(ftp_server, uuid4().hex).open(OPTIONS)
    storage.put("a", b"x", Attributes(modified_us=1_000_000_000_123_456))
    assert storage.stat("a").modified_us == 1_000_000_000_000_000
    storage.close()


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("drwxr-xr-x 2 0 0 4096 Nov 22 08:00 a b", FtpEntry("a b", "dir")),
        ("-rw-r--r--+ 1 u g 12 Jan  1  2020  x", FtpEntry(" x", "file", 12)),
        ("lrwxrwxrwx 1 u g 3 Nov 22 08:00 l -> t", FtpEntry("l", "link")),
        ("srwxrwxrwx 1 u g 3 Nov 22 08:00 s", FtpEntry("s", "other")),
        ("total 12", None),
    ],
)
def test_a_line_of_list_is_read(line: str, entry: FtpEntry | None) -> None:
    assert parse_list(line) == entry


def test_a_line_of_facts_is_read() -> None:
    line = "Type=file;Size=3;Modify=20010909014640.5; a; b"
    assert parse_facts(line) == FtpEntry("a; b", "file", 3, 1_000_000_000_500_000)


@pytest.mark.parametrize("line", ["11-22-26 in the morning", "nonsense"])
def test_a_listing_that_cannot_be_read_is_an_error(line: str) -> None:
    with pytest.raises(UnexpectedReply):
        parse_list(line)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ftp://HOST/a%20b/", "ftp://host/a%20b"),
        ("ftp://bob@host:2121", "ftp://bob@host:2121"),
        ("ftps://host/x", "ftps://host/x"),
        ("ftps://host:990/x", "ftps://host:990/x"),
    ],
)
def test_addresses_are_canonical(url: str, address: str) -> None:
    settings = FtpSettings.from_url(url)
    assert settings.address() == address
    assert FtpSettings.from_url(address) == settings


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(SecretInUrl):
        FtpSettings.from_url("ftp://bob:geheim@host/x")
    with pytest.raises(ValidationError, match="needs its user"):
        FtpSettings(host="h", password=SecretStr("x"))


def test_tls_covers_both_channels(nginx_server: NginxServer) -> None:
    certificates = nginx_server.certificates
    try:
        with vsftpd(certificates) as server:
            fields: dict[str, Any] = {
                "host": server.host,
                "port": server.port,
                "tls": FtpTls.EXPLICIT,
            }
            trusted = FtpSettings(**fields, certificate=certificates.ca.read_text(), path="/pub/x")
            storage = trusted.open(OPTIONS)
            storage.put("a/b  c.txt", b"abc", Attributes())
            writer = storage.write("large", Attributes())
            writer.write(LARGE)
            assert writer.commit(Digest.of(LARGE)).size == len(LARGE)
            assert names(storage.enumerate()) == ["a/b  c.txt", "large"]
            assert storage.fetch("large").data == LARGE
            assert read_all(storage, "large", start=1_000_000, length=5) == LARGE[1_000_000:][:5]
            storage.close()
            stranger = FtpSettings(**fields).open(OPTIONS)
            with pytest.raises(UnexpectedReply, match="not trusted"):
                stranger.stat("a")
            stranger.close()
    except ServerMissingError as missing:
        pytest.skip(str(missing))
