"""The ways to a git repository: TLS, client certificates, proxies and SSH, against real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    InvalidInput,
    ResourceNotFound,
    StorageError,
)
from providers.git.settings import GitSettings
from providers.git.storage import GitStorage
from providers.ssh.fields import HostKeys
from providers.testing.subject import OPTIONS, names
from tests.providers.git.test_git import opened
from tests.servers.git import PASSWORD, USER, GitServer, commit
from tests.servers.git_tls import GitTls, git_tls
from tests.servers.openssh import SftpServer
from tests.servers.process import free_ports
from tests.servers.proxy import ProxyServer


@pytest.fixture(scope="module")
def tls(git_server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitTls]:
    """Run nginx before the git server."""
    with git_tls(tmp_path_factory.mktemp("git-tls"), git_server) as server:
        yield server


@pytest.fixture
def bare(git_server: GitServer) -> Path:
    """Make a repository of two files."""
    made = git_server.make(f"private-{uuid4().hex}.git")
    commit(made, {"a": b"one", "d/b": bytes(range(256)) * 999})
    return made


LOGIN: dict[str, Any] = {"username": USER, "token": SecretStr(PASSWORD)}


def whole(storage: GitStorage) -> bool:
    """Say whether a storage shows and gives what `bare` holds."""
    assert names(storage.enumerate()) == ["a", "d/b"]
    return storage.fetch("a").data + storage.fetch("d/b").data == b"one" + bytes(range(256)) * 999


@pytest.mark.parametrize("how", ["text", "path"])
def test_a_clone_over_tls_believes_an_own_authority(tls: GitTls, bare: Path, how: str) -> None:
    ca = tls.certificates.ca
    given = ca.read_text() if how == "text" else str(ca)
    with opened(f"{tls.https}/{bare.name}", certificate=given, **LOGIN) as storage:
        assert whole(storage)


def test_a_server_of_another_authority_is_refused_and_told_so(
    tls: GitTls, bare: Path, tmp_path: Path
) -> None:
    from tests.servers.certificates import make_certificates  # noqa: PLC0415 - for this one only

    other = str(make_certificates(tmp_path).ca)
    before = len(tls.git.seen)
    for given in ({}, {"certificate": other}):
        with (
            opened(f"{tls.https}/{bare.name}", **given, **LOGIN) as storage,
            pytest.raises(ConnectionFailed, match=r"over TLS: .*CERTIFICATE_VERIFY_FAILED"),
        ):
            list(storage.enumerate())
    assert len(tls.git.seen) == before
    with opened(f"{tls.https}/{bare.name}", verify_tls=False, **LOGIN) as storage:
        assert whole(storage)


def test_a_client_certificate_opens_what_asks_for_one(tls: GitTls, bare: Path) -> None:
    made = tls.certificates
    pair = {"client_certificate": str(made.client), "client_key": SecretStr(str(made.client_key))}
    url = f"{tls.mutual}/{bare.name}"
    with opened(url, certificate=str(made.ca), **pair, **LOGIN) as storage:
        assert whole(storage)
    with (
        opened(url, certificate=str(made.ca), **LOGIN) as storage,
        pytest.raises(StorageError, match="400"),  # nginx's word for it
    ):
        list(storage.enumerate())


def test_git_lfs_goes_the_same_way(tls: GitTls, git_server: GitServer) -> None:
    bare = git_server.make(f"{uuid4().hex}.git")
    commit(bare, {"big": git_server.store(b"large " * 99_999)})
    with ProxyServer() as proxy:
        settings = {
            "certificate": str(tls.certificates.ca),
            "lfs_url": f"{tls.https}/lfs",
            "proxy_url": proxy.url,
        }
        with opened(f"{tls.https}/{bare.name}", **settings) as storage:
            assert storage.fetch("big").data == b"large " * 99_999
    assert set(proxy.lines) >= {f"CONNECT {tls.https.removeprefix('https://')}"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_clone_goes_through_a_proxy_that_asks_for_a_login(
    tls: GitTls, bare: Path, scheme: str
) -> None:
    server = tls.https if scheme == "https" else tls.git.url
    common = {"certificate": str(tls.certificates.ca), **LOGIN}
    with ProxyServer(user="bob", password="open") as proxy:
        ours = {"proxy_url": proxy.url, "proxy_username": "bob"}
        with opened(
            f"{server}/{bare.name}", **ours, proxy_password=SecretStr("open"), **common
        ) as storage:
            assert whole(storage)
        host = server.partition("://")[2]
        wanted = f"CONNECT {host}" if scheme == "https" else f"GET {server}/{bare.name}/info/refs"
        assert proxy.lines[0].startswith(wanted)
        seen, before = len(tls.git.seen), len(proxy.lines)
        with (
            opened(
                f"{server}/{bare.name}", **ours, proxy_password=SecretStr("no"), **common
            ) as storage,
            pytest.raises(AccessDenied, match="refuses the login"),
        ):
            list(storage.enumerate())
        assert (len(tls.git.seen), len(proxy.lines)) == (seen, before)


def test_a_proxy_that_is_gone_is_one_clear_error(tls: GitTls, bare: Path) -> None:
    proxy = f"http://127.0.0.1:{free_ports(1)[0]}"
    for server in (tls.https, tls.git.url):
        with (
            opened(f"{server}/{bare.name}", proxy_url=proxy, **LOGIN) as storage,
            pytest.raises(ConnectionFailed, match="proxy"),
        ):
            list(storage.enumerate())


def by_ssh(server: SftpServer, bare: Path, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    """Return settings for a repository on the SSH server."""
    return {
        "url": f"ssh://{server.host}:{server.port}{bare}",
        "username": server.user,
        "private_key": SecretStr(server.client_key.read_text()),
        "known_hosts": str(server.known_hosts),
        **changes,
    }


def test_a_clone_over_ssh_logs_in_by_key_and_looks_again(
    sftp_server: SftpServer, bare: Path
) -> None:
    with opened(**by_ssh(sftp_server, bare)) as storage:
        assert whole(storage)
        commit(bare, {"a": b"two", "new": b"three"})
        assert names(storage.enumerate()) == ["a", "d/b", "new"]
        assert storage.fetch("a").data == b"two"


@pytest.mark.parametrize("known", ["none", "of another server", "of another key"])
def test_a_host_key_that_is_not_known_is_refused(
    sftp_server: SftpServer,
    bare: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    known: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # nobody's own known hosts
    line = sftp_server.known_hosts.read_text()
    host, kind, key = line.split()
    public = (sftp_server.client_key.with_suffix(".pub")).read_text().split()[1]
    text = {
        "none": "",
        "of another server": f"[127.0.0.1]:1 {kind} {key}",
        "of another key": f"{host} {kind} {public}",
    }[known]
    with (
        opened(**by_ssh(sftp_server, bare, known_hosts=text)) as storage,
        pytest.raises(AccessDenied, match="host key is unknown"),
    ):
        list(storage.enumerate())
    anybody = by_ssh(sftp_server, bare, known_hosts="", host_keys=HostKeys.INSECURE)
    with opened(**anybody) as storage:
        assert whole(storage)


def test_ssh_tells_what_is_wrong(sftp_server: SftpServer, bare: Path, tmp_path: Path) -> None:
    other = tmp_path / "key"
    made = SftpServer(sftp_server.port, sftp_server.user, tmp_path, other, sftp_server.known_hosts)
    import asyncssh  # noqa: PLC0415 - makes a key that nobody knows

    other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    with (
        opened(**by_ssh(made, bare)) as storage,
        pytest.raises(AccessDenied, match="refuses the login"),
    ):
        list(storage.enumerate())
    with (
        opened(**by_ssh(sftp_server, tmp_path / "it's not $(there).git")) as storage,
        pytest.raises(ResourceNotFound, match="no git repository"),
    ):
        list(storage.enumerate())
    with (
        opened(**by_ssh(sftp_server, bare, ref="nope")) as storage,
        pytest.raises(ResourceNotFound, match="'nope'"),
    ):
        list(storage.enumerate())
    dead = f"ssh://127.0.0.1:{free_ports(1)[0]}/x.git"
    with opened(**by_ssh(sftp_server, bare, url=dead)) as storage, pytest.raises(ConnectionFailed):
        list(storage.enumerate())


@pytest.mark.parametrize(
    ("url", "given", "told"),
    [
        ("ssh://h/x", {"token": SecretStr("x")}, "'token' applies to http only"),
        ("ssh://h/x", {"proxy_url": "http://p"}, "'proxy_url' applies to http only"),
        ("file:///x", {"verify_tls": False}, "'verify_tls' applies to http only"),
        ("https://h/x", {"private_key": SecretStr("x")}, "'private_key' applies to ssh only"),
        ("https://h/x", {"host_keys": "insecure"}, "'host_keys' applies to ssh only"),
        ("file:///x", {"username": "u"}, "'username' does not apply"),
        ("https://h/x", {"client_certificate": "x"}, "needs its client key"),
        ("https://h/x", {"proxy_username": "x"}, "needs the proxy's URL"),
        ("https://h/x", {"proxy_url": "socks5://p"}, "only http:// proxies"),
        ("ssh://h/x", {"passphrase": SecretStr("x")}, "needs its private key"),
    ],
)
def test_a_setting_that_would_be_of_no_use_is_refused(
    url: str, given: dict[str, Any], told: str
) -> None:
    with pytest.raises((InvalidInput, ValidationError), match=told):
        GitSettings(url=url, **given)


def test_settings_of_http_are_for_the_lfs_server_where_the_clone_is_none() -> None:
    made = GitSettings(url="ssh://h/x", lfs_url="https://h/lfs", token=SecretStr("x"))
    assert isinstance(made.open(OPTIONS), GitStorage)
