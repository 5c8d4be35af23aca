"""Targets of the matrix that are trees of files, and the start of every target."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from providers.fsspec.memory import MemorySettings
from providers.ftp.settings import FtpSettings
from providers.local.settings import LocalSettings
from providers.sftp.settings import SftpSettings
from providers.webdav.settings import WebdavSettings
from tests.faults.kit.disk import small_disk
from tests.faults.kit.ftp_proxy import FtpProxy
from tests.faults.kit.starting import behind_a_web, every
from tests.faults.kit.target import Corner, Target, emptied, put_file, tree
from tests.faults.kit.target_profiles import BY_NAME
from tests.faults.kit.targets.object_stores import azure, fsspec, gcs, s3
from tests.faults.kit.targets.read_only import api, git, http, http_manifest
from tests.faults.kit.tcp_proxy import TcpProxy
from tests.servers.ftp import ftp as ftp_server
from tests.servers.openssh import openssh
from tests.servers.webdav import webdav as webdav_server

Start = Callable[[Path, ExitStack], Target]


def local(folder: Path, stack: ExitStack) -> Target:
    """Start a folder on a small disk."""
    disk = stack.enter_context(small_disk(folder / "disk"))

    def corner(name: str) -> Corner:
        root = disk / name
        return Corner(
            LocalSettings(path=str(root)),
            lambda path, data: put_file(root, path, data),
            lambda: tree(root),
            emptied(root),
        )

    return Target(BY_NAME["local"], corner, disk=disk)


def memory(folder: Path, stack: ExitStack) -> Target:  # noqa: ARG001 - it needs neither
    """Start a folder of this process."""

    def corner(name: str) -> Corner:
        settings = MemorySettings(path=name)
        found: Any = settings.filesystem()

        def look() -> dict[str, bytes]:
            paths = [str(one) for one in found.find(f"/{name}")]
            return {one.removeprefix(f"/{name}/"): bytes(found.cat_file(one)) for one in paths}

        return Corner(settings, lambda path, data: found.pipe_file(f"/{name}/{path}", data), look)

    return Target(BY_NAME["memory"], corner)


def sftp(folder: Path, stack: ExitStack) -> Target:
    """Start sshd over a small disk."""
    disk = stack.enter_context(small_disk(folder / "files"))
    server = stack.enter_context(openssh(folder))
    wire = stack.enter_context(TcpProxy("127.0.0.1", server.port))
    key = server.known_hosts.read_text().split(" ", 1)[1]

    def corner(name: str) -> Corner:
        root = disk / name
        root.mkdir()
        settings = SftpSettings(
            host="127.0.0.1",
            port=wire.port,
            path=str(root),
            username=server.user,
            private_key=SecretStr(server.client_key.read_text()),
            known_hosts=key,
        )
        return Corner(
            settings,
            lambda path, data: put_file(root, path, data),
            lambda: tree(root),
            emptied(root),
        )

    return Target(BY_NAME["sftp"], corner, every(wire), disk=disk)


def ftp(folder: Path, stack: ExitStack) -> Target:
    """Start an FTP server over a small disk."""
    disk = stack.enter_context(small_disk(folder / "files"))
    server = stack.enter_context(ftp_server(folder))
    wire = stack.enter_context(FtpProxy("127.0.0.1", server.port))

    def corner(name: str) -> Corner:
        root = disk / name
        root.mkdir()
        settings = FtpSettings(
            host="127.0.0.1",
            port=wire.port,
            path=name,
            username=server.user,
            password=SecretStr(server.password),
        )
        return Corner(
            settings,
            lambda path, data: put_file(root, path, data),
            lambda: tree(root),
            emptied(root),
        )

    return Target(BY_NAME["ftp"], corner, every(wire), disk=disk)


def webdav(folder: Path, stack: ExitStack) -> Target:
    """Start a WebDAV server over a small disk."""
    disk = stack.enter_context(small_disk(folder / "files"))
    server = stack.enter_context(webdav_server(folder))
    wire, web = behind_a_web(int(server.url.rpartition(":")[2]), stack)

    def corner(name: str) -> Corner:
        root = disk / name
        root.mkdir()
        settings = WebdavSettings(
            url=f"http://127.0.0.1:{wire.port}/{name}",
            username=server.user,
            password=SecretStr(server.password),
        )
        return Corner(
            settings,
            lambda path, data: put_file(root, path, data),
            lambda: tree(root),
            emptied(root),
        )

    return Target(BY_NAME["webdav"], corner, every(wire), every(web), disk=disk)


STARTS: dict[str, Start] = {
    "local": local,
    "memory": memory,
    "http": http,
    "http, manifest": http_manifest,
    "api": api,
    "git": git,
    "s3": s3,
    "gcs": gcs,
    "azure": azure,
    "sftp": sftp,
    "ftp": ftp,
    "webdav": webdav,
    "fsspec": fsspec,
}


@contextmanager
def started(name: str, folder: Path) -> Generator[Target]:
    """Start a place, and end its server with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield STARTS[name](folder, stack)
