"""The SFTP provider against OpenSSH."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from catalog.errors import AccessDenied, ConnectionFailed, InvalidInput, SecretInUrl
from providers.base import Attributes
from providers.sftp.settings import SftpSettings
from providers.ssh.fields import HostKeys
from providers.testing.conformance import Conformance
from providers.testing.subject import OPTIONS, Subject, names, seed_through
from tests.servers.openssh import SftpServer
from tests.servers.process import free_ports


def settings_of(server: SftpServer, root: Path, **changes: Any) -> SftpSettings:  # noqa: ANN401 - any setting
    fields: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "path": str(root),
        "username": server.user,
        "private_key": SecretStr(server.client_key.read_text()),
        "known_hosts": str(server.known_hosts),
    }
    return SftpSettings(**{**fields, **changes})


class TestSftp(Conformance):
    """A folder of sshd."""

    @pytest.fixture
    def subject(self, sftp_server: SftpServer) -> Iterator[Subject]:
        root = sftp_server.root / uuid4().hex
        root.mkdir()
        settings = settings_of(sftp_server, root)
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
            secret=sftp_server.client_key.read_text().splitlines()[1],
        )
        storage.close()


@pytest.mark.parametrize("how", ["line", "bare key", "file"])
def test_a_pinned_host_key_is_believed(sftp_server: SftpServer, how: str) -> None:
    line = sftp_server.known_hosts.read_text()
    text = {"line": line, "bare key": line.split(" ", 1)[1], "file": str(sftp_server.known_hosts)}
    root = sftp_server.root / uuid4().hex
    storage = settings_of(sftp_server, root, known_hosts=text[how]).open(OPTIONS)
    assert storage.put("a", b"x", Attributes()).size == 1
    storage.close()


def test_an_unknown_host_key_is_refused(sftp_server: SftpServer, tmp_path: Path) -> None:
    other = "[127.0.0.1]:1 " + sftp_server.known_hosts.read_text().split(" ", 1)[1]
    storage = settings_of(sftp_server, tmp_path, known_hosts=other).open(OPTIONS)
    with pytest.raises(AccessDenied, match="host key is unknown"):
        storage.stat("a")
    storage.close()
    fields = {"known_hosts": "", "host_keys": HostKeys.INSECURE}
    storage = settings_of(sftp_server, sftp_server.root, **fields).open(OPTIONS)
    list(storage.enumerate(recursive=False))
    storage.close()


def test_a_login_that_is_refused_is_access_denied(sftp_server: SftpServer, tmp_path: Path) -> None:
    changes = {"private_key": SecretStr(""), "password": SecretStr("wrong")}
    storage = settings_of(sftp_server, tmp_path, **changes).open(OPTIONS)
    with pytest.raises(AccessDenied, match="login"):
        storage.stat("a")
    storage.close()


def test_links_are_followed_and_circles_are_not(sftp_server: SftpServer) -> None:
    root = sftp_server.root / uuid4().hex
    (root / "d").mkdir(parents=True)
    (root / "d/a").write_text("x")
    (root / "file").symlink_to("d/a")
    (root / "folder").symlink_to("d")
    (root / "d/up").symlink_to("..")
    (root / "broken").symlink_to("nowhere")
    storage = settings_of(sftp_server, root).open(OPTIONS)
    assert names(storage.enumerate()) == ["d/a", "file"]  # each real folder once
    storage.close()


def test_a_forked_child_is_told_and_does_not_hang(sftp_server: SftpServer) -> None:
    storage = settings_of(sftp_server, sftp_server.root).open(OPTIONS)
    list(storage.enumerate(recursive=False))
    child = os.fork()
    if child == 0:
        try:
            storage.stat("a")
        except ConnectionFailed:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    storage.close()


def test_the_source_time_is_kept(sftp_server: SftpServer) -> None:
    storage = settings_of(sftp_server, sftp_server.root / uuid4().hex).open(OPTIONS)
    storage.put("a", b"x", Attributes(modified_us=1_000_000_000_123_456))
    assert storage.stat("a").modified_us == 1_000_000_000_000_000
    storage.close()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("sftp://bob@HOST/a%20b/", "sftp://bob@host/a%20b"),
        ("ssh://host:2222/x", "sftp://host:2222/x"),
        ("sftp://host/~/x", "sftp://host/~/x"),
        ("sftp://host", "sftp://host"),
    ],
)
def test_addresses_are_canonical(url: str, address: str) -> None:
    settings = SftpSettings.from_url(url)
    assert settings.address() == address
    assert SftpSettings.from_url(address).address() == address


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(SecretInUrl):
        SftpSettings.from_url("sftp://bob:geheim@host/x")


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="needs its private key"):
        SftpSettings(host="h", passphrase=SecretStr("x"))
    with pytest.raises(InvalidInput, match="private key is invalid"):
        SftpSettings(host="h", private_key=SecretStr("nonsense")).open(OPTIONS)
    with pytest.raises(InvalidInput, match="known hosts cannot be read"):
        SftpSettings(host="h", known_hosts=str(tmp_path / "missing")).open(OPTIONS)
