"""Every test server comes up, does its one job, and is gone afterwards."""

from __future__ import annotations

import ftplib
import ssl
import subprocess
import urllib.error
import urllib.request

import obstore
import pytest

from tests.servers.azurite import AzureServer
from tests.servers.fake_gcs import GcsServer
from tests.servers.faulty import FaultyServer, flipped_bit, status
from tests.servers.ftp import FtpServer
from tests.servers.nginx import NginxServer
from tests.servers.openssh import SftpServer
from tests.servers.process import ServerBrokenError, listens, program, running
from tests.servers.seaweedfs import S3Server
from tests.servers.webdav import WebdavServer


def _get(url: str, context: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(url, context=context) as reply:  # noqa: S310 - loopback
        data: bytes = reply.read()
        return data


def test_seaweedfs_keeps_an_object(s3_server: S3Server) -> None:
    store = s3_server.store()
    obstore.put(store, "up/a", b"hello")
    assert bytes(obstore.get(store, "up/a").bytes()) == b"hello"
    obstore.delete(store, "up/a")


def test_nginx_shows_files_over_http_and_https(nginx_server: NginxServer) -> None:
    (nginx_server.root / "up.txt").write_text("hello")
    context = ssl.create_default_context(cafile=nginx_server.certificates.ca)
    assert _get(nginx_server.http + "/up.txt") == b"hello"
    assert _get(nginx_server.https + "/up.txt", context) == b"hello"


def test_sshd_lets_the_user_key_in(sftp_server: SftpServer) -> None:
    command = [program("sftp"), "-b", "-", "-P", str(sftp_server.port), "-i"]
    command += [str(sftp_server.client_key), "-o", f"UserKnownHostsFile={sftp_server.known_hosts}"]
    command += ["-o", "IdentitiesOnly=yes", f"{sftp_server.user}@127.0.0.1"]
    subprocess.run(command, input=b"pwd\n", check=True, capture_output=True)


def test_the_ftp_server_lets_alice_in(ftp_server: FtpServer) -> None:
    with ftplib.FTP() as client:  # noqa: S321 - FTP is what is tested
        client.connect(ftp_server.host, ftp_server.port)
        client.login(ftp_server.user, ftp_server.password)
        assert client.nlst() is not None


def test_the_gcs_emulator_has_a_bucket(gcs_server: GcsServer) -> None:
    assert b"entrepot" in _get(gcs_server.endpoint + "/storage/v1/b")


def test_azurite_makes_a_container(azure_server: AzureServer) -> None:
    azure_server.make_container("another")


def test_the_webdav_server_asks_for_a_password(webdav_server: WebdavServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        _get(webdav_server.url + "/")
    caught.value.close()


def test_the_faulty_server_follows_its_script(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = b"abc"
    faulty_server.script("/a", status(503), flipped_bit())
    with pytest.raises(urllib.error.HTTPError, match="503") as caught:
        _get(faulty_server.url + "/a")
    caught.value.close()
    assert _get(faulty_server.url + "/a") == b"abb"
    assert _get(faulty_server.url + "/a") == b"abc"
    assert faulty_server.requests["/a"] == 3


def test_a_server_that_dies_at_once_shows_its_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    log = tmp_path_factory.mktemp("dead") / "log"
    command = ["sh", "-c", "echo why it died; exit 3"]
    with (
        pytest.raises(ServerBrokenError, match="why it died"),
        running(command, lambda: listens(1), log=log),
    ):
        pass
