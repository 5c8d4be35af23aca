"""Fixtures that every folder shares: one real server of each kind a session, started on demand."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from orchestration.mode import uses_prefect
from providers.connection_cache import STORAGES
from tests.servers.azurite import AzureServer, azurite
from tests.servers.fake_gcs import GcsServer, fake_gcs
from tests.servers.faulty import FaultyServer
from tests.servers.ftp import FtpServer, ftp
from tests.servers.git import GitServer, git_server
from tests.servers.nginx import NginxServer, nginx
from tests.servers.openssh import SftpServer, openssh
from tests.servers.process import ServerMissingError
from tests.servers.seaweedfs import S3Server, seaweedfs
from tests.servers.webdav import WebdavServer, webdav

pytest.register_assert_rewrite("providers.testing")
settings.register_profile("any machine", deadline=None)  # how busy it is is no fault
settings.load_profile("any machine")
Server = TypeVar("Server")
Factory = pytest.TempPathFactory


def pytest_configure() -> None:
    """Decide for the whole process whether verbs use Prefect, before a test of commands does."""
    uses_prefect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with slow tests first, so that none of them begins when all else is done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@contextmanager
def _or_skip(
    start: Callable[[Path], AbstractContextManager[Server]], factory: Factory, name: str
) -> Generator[Server, None, None]:
    folder = factory.mktemp(name)
    try:
        server = start(folder)
        entered = server.__enter__()
    except ServerMissingError as missing:
        pytest.skip(str(missing))
    try:
        yield entered
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session", autouse=True)
def no_connection_left() -> Iterator[None]:
    """Close the connections that the process keeps, before Python complains of their sockets."""
    yield
    STORAGES.clear()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: Factory) -> Iterator[S3Server]:
    """Share one SeaweedFS."""
    with _or_skip(seaweedfs, tmp_path_factory, "weed") as server:
        yield server


@pytest.fixture(scope="session")
def nginx_server(tmp_path_factory: Factory) -> Iterator[NginxServer]:
    """Share one nginx."""
    with _or_skip(nginx, tmp_path_factory, "nginx") as server:
        yield server


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: Factory) -> Iterator[SftpServer]:
    """Share one OpenSSH sshd."""
    with _or_skip(openssh, tmp_path_factory, "sshd") as server:
        yield server


@pytest.fixture(scope="session")
def ftp_server(tmp_path_factory: Factory) -> Iterator[FtpServer]:
    """Share one FTP server."""
    with _or_skip(ftp, tmp_path_factory, "ftp") as server:
        yield server


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: Factory) -> Iterator[GcsServer]:
    """Share one emulator of Google Cloud Storage."""
    with _or_skip(fake_gcs, tmp_path_factory, "gcs") as server:
        yield server


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: Factory) -> Iterator[AzureServer]:
    """Share one emulator of Azure Blob Storage."""
    with _or_skip(azurite, tmp_path_factory, "azurite") as server:
        yield server


@pytest.fixture(scope="session")
def webdav_server(tmp_path_factory: Factory) -> Iterator[WebdavServer]:
    """Share one WebDAV server."""
    with _or_skip(webdav, tmp_path_factory, "webdav") as server:
        yield server


@pytest.fixture(scope="session", name="git_server")
def shared_git_server(tmp_path_factory: Factory) -> Iterator[GitServer]:
    """Share one git server, and the LFS server beside it."""
    with _or_skip(git_server, tmp_path_factory, "git") as server:
        yield server


@pytest.fixture
def faulty_server() -> Iterator[FaultyServer]:
    """Run a server that misbehaves by script."""
    with FaultyServer() as server:
        yield server


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: Factory) -> Iterator[None]:
    """Share one test server of Prefect, for tests that call flows.

    One, since Prefect sends events by the connection that it made first, whatever server another
    harness names: at that server the runs they tell of are not known.
    """
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 - it takes seconds

    from orchestration.server_environment import SERVER_ENVIRONMENT  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        for name, value in SERVER_ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        with prefect_test_harness(server_startup_timeout=180):
            yield
