"""Connections of the cache at real servers, shared by folders of one."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from catalog.model.digest import Digest
from providers.base import Attributes, OpenOptions, ProviderSettings, Timeouts
from providers.connection_cache import ConnectionCache
from providers.ftp.settings import FtpSettings
from providers.gcs.settings import GcsSettings
from providers.sftp.settings import SftpSettings
from providers.testing.subject import LARGE, OPTIONS
from providers.webdav.settings import WebdavSettings
from tests.servers.fake_gcs import GcsServer
from tests.servers.ftp import FtpServer
from tests.servers.openssh import SftpServer
from tests.servers.webdav import WebdavServer

ALONE = OpenOptions(connections=1, timeouts=Timeouts(read_s=2.0))


@pytest.fixture
def cache() -> Iterator[ConnectionCache]:
    """Begin with none, and leave none open."""
    made = ConnectionCache()
    yield made
    made.clear()


@pytest.fixture(params=["ftp", "webdav", "gcs"])
def place(request: pytest.FixtureRequest) -> ProviderSettings:
    """Return the root of a server whose connections serve one file at a time."""
    if request.param == "ftp":
        ftp: FtpServer = request.getfixturevalue("ftp_server")
        password = SecretStr(ftp.password)
        return FtpSettings(host=ftp.host, port=ftp.port, username=ftp.user, password=password)
    if request.param == "webdav":
        dav: WebdavServer = request.getfixturevalue("webdav_server")
        return WebdavSettings(url=dav.url, username=dav.user, password=SecretStr(dav.password))
    gcs: GcsServer = request.getfixturevalue("gcs_server")
    return GcsSettings(bucket=gcs.bucket, endpoint=gcs.endpoint, anonymous=True)


def test_a_file_on_its_way_within_one_server_does_not_wait_for_itself(
    place: ProviderSettings, cache: ConnectionCache
) -> None:
    origin, goal = place.below(f"origin-{uuid4().hex}"), place.below(f"goal-{uuid4().hex}")
    with cache.open(origin, ALONE) as source, cache.open(goal, ALONE) as destination:
        source.put("x", LARGE, Attributes())
        destination.put("before", b"", Attributes())
        reader = source.read("x")
        writer = destination.write("x", Attributes(), size=len(LARGE))
        for chunk in reader:
            writer.write(chunk)
        reader.close()
        assert writer.commit(Digest.of(LARGE)).size == len(LARGE)
        assert [one.path for one in source.enumerate()] == ["x"]
    assert len(cache) == 1


def test_folders_of_one_sftp_server_share_their_sessions(
    sftp_server: SftpServer, cache: ConnectionCache
) -> None:
    root = sftp_server.root / "shared"
    root.mkdir()
    settings = SftpSettings(
        host=sftp_server.host,
        port=sftp_server.port,
        username=sftp_server.user,
        private_key=SecretStr(sftp_server.client_key.read_text()),
        known_hosts=str(sftp_server.known_hosts),
        path=str(root),
    )
    for name in ("one", "two"):
        with cache.open(settings.below(name), OPTIONS) as storage:
            storage.put("x", name.encode(), Attributes())
            assert [one.path for one in storage.enumerate()] == ["x"]
            storage.close()
    assert len(cache) == 1
    with cache.open(settings, OPTIONS) as storage:
        assert storage.fetch("one/x").data == b"one"
