"""SFTP servers as they are: commercial ones that set nothing, drop folders, names of any bytes."""

# ruff: noqa: D102, RUF001 - asyncssh's own methods, and the mark of bytes that are no UTF-8

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from catalog.errors import ResourceNotFound, StorageError
from catalog.model.gap import Gap, files_collecting_gaps
from providers.base import Attributes
from providers.sftp.settings import SftpSettings
from providers.sftp.storage import SftpStorage
from providers.ssh.fields import HostKeys
from providers.testing.subject import OPTIONS, names


class _Login(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's own
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002 - as above
        return True


@contextmanager
def served(root: Path, kind: type[asyncssh.SFTPServer]) -> Generator[SftpStorage]:
    """Run a server of this kind below `root`, and open it."""
    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), list[int]()

    def serve(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return kind(channel, chroot=os.fsencode(str(root)))

    async def start() -> asyncssh.SSHAcceptor:
        acceptor = await asyncssh.create_server(
            _Login,
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=serve,
        )
        ports.append(acceptor.get_port())
        ready.set()
        return acceptor

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    settings = SftpSettings(
        host="127.0.0.1",
        port=ports[0],
        path="/",
        username="u",
        password=SecretStr("p"),
        host_keys=HostKeys.INSECURE,
    )
    storage = settings.open(OPTIONS)
    assert isinstance(storage, SftpStorage)
    try:
        yield storage
    finally:
        storage.close()

        async def stop() -> None:
            acceptor.close()
            await acceptor.wait_closed()

        asyncio.run_coroutine_threadsafe(stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class NoSetstat(asyncssh.SFTPServer):
    """Sets no times and modes, as AWS Transfer for a bucket."""

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("not here")

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002
        raise asyncssh.SFTPFailure("not here either")


class NoPosixRename(asyncssh.SFTPServer):
    """Renames, but not over what is there; and has no links."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("no such extension")

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("no links")


class Stubborn(NoPosixRename):
    """Gives nothing its final name."""

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if b".entrepot/tmp" in oldpath:
            raise asyncssh.SFTPFailure("no")
        super().rename(oldpath, newpath)


class Drop(asyncssh.SFTPServer):
    """Takes new files, and makes no folder."""

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002
        raise asyncssh.SFTPPermissionDenied("no folders here")


class Closed(asyncssh.SFTPServer):
    """Says `Failure`, the word for everything, of one folder; and refuses another."""

    def scandir(self, path: bytes) -> Any:  # noqa: ANN401 - asyncssh's own
        if path.endswith(b"/failing"):
            raise asyncssh.SFTPFailure("Failure")
        if path.endswith(b"/denied"):
            raise asyncssh.SFTPPermissionDenied("no")
        if path.endswith(b"/ghost"):
            raise asyncssh.SFTPNoSuchFile("no such file")
        return super().scandir(path)


def seeded(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_a_server_that_sets_no_times_takes_every_file(tmp_path: Path) -> None:
    with served(tmp_path, NoSetstat) as storage:
        storage.put("a/b", b"one", Attributes(modified_us=1_000_000_000_000_000, mode=0o600))

        assert (tmp_path / "a/b").read_bytes() == b"one"


def test_what_cannot_be_renamed_over_moves_aside_and_goes(tmp_path: Path) -> None:
    seeded(tmp_path, "a")
    with served(tmp_path, NoPosixRename) as storage:
        storage.put("a", b"new", Attributes())

        assert (tmp_path / "a").read_bytes() == b"new"
        assert names(storage.enumerate()) == ["a"]
        assert sorted(one.name for one in tmp_path.iterdir()) == [".entrepot", "a"]


def test_the_old_file_comes_back_where_the_new_one_gets_no_name(tmp_path: Path) -> None:
    seeded(tmp_path, "a")
    with served(tmp_path, Stubborn) as storage:
        with pytest.raises(StorageError):
            storage.put("a", b"new", Attributes())

        assert (tmp_path / "a").read_text() == "a"
        assert names(storage.enumerate()) == ["a"]


def test_a_drop_folder_takes_files_although_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with served(tmp_path, Drop) as storage:
        storage.put("in/a", b"one", Attributes())
        storage.put("in/b", b"two", Attributes())

        assert sorted(one.name for one in (tmp_path / "in").iterdir()) == ["a", "b"]
        with pytest.raises(StorageError):
            storage.put("new/c", b"three", Attributes())


def test_an_empty_folder_of_its_name_makes_way_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    with served(tmp_path, asyncssh.SFTPServer) as storage:
        storage.put("a", b"now a file", Attributes())

        assert (tmp_path / "a").read_bytes() == b"now a file"


def test_a_folder_with_files_does_not_make_way(tmp_path: Path) -> None:
    seeded(tmp_path, "a/b")
    with served(tmp_path, asyncssh.SFTPServer) as storage:
        with pytest.raises(StorageError):
            storage.put("a", b"now a file", Attributes())

        assert (tmp_path / "a/b").read_text() == "a/b"


def test_folders_that_cannot_be_listed_are_gaps(tmp_path: Path) -> None:
    seeded(tmp_path, "open/a", "failing/b", "denied/c", "ghost/d")
    with served(tmp_path, Closed) as storage:
        gaps: list[Gap] = []

        assert [one.path for one in files_collecting_gaps(storage.enumerate(), gaps)] == ["open/a"]

        assert sorted((one.path, one.below) for one in gaps) == [
            ("denied", True),
            ("failing", True),
            ("ghost", True),
        ]


def test_a_link_web_is_listed_once(tmp_path: Path) -> None:
    for one in range(6):
        seeded(tmp_path, f"p{one}/own")
        for other in range(6):
            if other != one:
                (tmp_path / f"p{one}/deps").mkdir(exist_ok=True)
                (tmp_path / f"p{one}/deps/p{other}").symlink_to(f"../../p{other}")
    with served(tmp_path, asyncssh.SFTPServer) as storage:
        assert names(storage.enumerate()) == [f"p{one}/own" for one in range(6)]


def test_a_name_that_is_no_utf8_is_read_and_written(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9", "wb") as file:  # noqa: PTH123 - bytes
        file.write(b"latin")
    with served(tmp_path, asyncssh.SFTPServer) as storage:
        assert names(storage.enumerate()) == ["caf‛E9"]
        assert storage.fetch("caf‛E9").data == b"latin"

        storage.put("in/d‛FF", b"new", Attributes())

        assert os.path.exists(os.fsencode(tmp_path) + b"/in/d\xff")  # noqa: PTH110 - bytes
        storage.remove("caf‛E9")
        with pytest.raises(ResourceNotFound):
            storage.stat("caf‛E9")


def test_the_mode_of_a_file_is_told_and_taken(tmp_path: Path) -> None:
    seeded(tmp_path, "a")
    (tmp_path / "a").chmod(0o600)
    with served(tmp_path, asyncssh.SFTPServer) as storage:
        assert storage.fetch("a").resource.mode == 0o600

        storage.put("b", b"x", Attributes(mode=0o640))

        assert (tmp_path / "b").stat().st_mode & 0o777 == 0o640
