"""FTP servers as they are: 550 for everything, drop folders, names of any bytes."""

# ruff: noqa: RUF001 - the mark of such bytes

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from catalog.errors import AccessDenied, ResourceNotFound, UnexpectedReply
from catalog.model.digest import Digest
from catalog.model.gap import UNREADABLE, Gap, files_collecting_gaps
from providers.base import Attributes
from providers.ftp.list_parser import FtpEntry, parse_facts, parse_list, parse_time
from providers.ftp.listing import FtpLister
from providers.ftp.settings import FtpSettings
from providers.ftp.storage import FtpStorage
from providers.testing.subject import OPTIONS, names
from tests.servers.ftp import FtpServer
from tests.servers.process import ServerMissingError
from tests.servers.vsftpd import vsftpd


@contextmanager
def plain(**options: str) -> Generator[FtpServer]:
    try:
        with vsftpd(None, **options) as server:
            yield server
    except ServerMissingError as missing:
        pytest.skip(str(missing))


def opened(server: FtpServer, encoding: str = "utf-8") -> FtpStorage:
    settings = FtpSettings(host=server.host, port=server.port, path="pub", encoding=encoding)
    storage = settings.open(OPTIONS)
    assert isinstance(storage, FtpStorage)
    return storage


def seeded(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    for folder, _, _ in os.walk(root):
        Path(folder).chmod(0o777)


@pytest.mark.parametrize("says", ["why", "nothing"])
def test_a_folder_that_may_be_entered_and_not_read_is_no_empty_one(
    monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    if says == "nothing":  # as other servers do
        monkeypatch.setattr("providers.ftp.listing._FAILED", re.compile("(?!)"))
    with plain() as server:
        seeded(server.root / "pub", "open/a", "closed/b", "open/empty/no")
        (server.root / "pub/open/empty/no").unlink()
        (server.root / "pub/closed").chmod(0o711)
        storage = opened(server)
        gaps: list[Gap] = []

        assert [one.path for one in files_collecting_gaps(storage.enumerate(), gaps)] == ["open/a"]
        assert [(one.path, one.below) for one in gaps] == [("closed", True)]
        storage.close()


def test_a_closed_folder_is_a_gap_in_any_wording() -> None:
    with plain() as server:
        seeded(server.root / "pub", "open/a", "closed/b", "closed/deep/c")
        (server.root / "pub/closed").chmod(0o700)
        storage = opened(server)
        gaps: list[Gap] = []

        assert [one.path for one in files_collecting_gaps(storage.enumerate(), gaps)] == ["open/a"]

        assert [(one.path, one.below) for one in gaps] == [("closed", True)]
        storage.close()


def test_a_file_that_may_not_be_seen_is_no_missing_file() -> None:
    with plain(hide_file="{hidden}") as server:
        seeded(server.root / "pub", "there")
        storage = opened(server)

        with pytest.raises(ResourceNotFound):
            storage.stat("missing")
        with pytest.raises(ResourceNotFound):
            storage.stat("no/such/folder")
        assert storage.stat("there").size == 5
        storage.close()


def test_a_name_that_is_no_utf8_is_read_and_written() -> None:
    with plain(utf8_filesystem="NO") as server:
        seeded(server.root / "pub", "in/x")
        odd = os.fsencode(server.root / "pub/in") + b"/caf\xe9"
        with open(odd, "wb") as file:  # noqa: PTH123 - a name of bytes
            file.write(b"latin")
        storage = opened(server)

        assert names(storage.enumerate()) == ["in/caf‛E9", "in/x"]
        assert storage.fetch("in/caf‛E9").data == b"latin"
        storage.put("in/d‛FF", b"new", Attributes())

        assert os.path.exists(os.fsencode(server.root / "pub/in") + b"/d\xff")  # noqa: PTH110
        storage.remove("in/caf‛E9")
        assert not os.path.exists(odd)  # noqa: PTH110
        storage.close()


def test_names_may_be_of_another_encoding() -> None:
    with plain(utf8_filesystem="NO") as server:
        seeded(server.root / "pub", "x")
        with open(os.fsencode(server.root / "pub") + b"/caf\xe9", "wb") as file:  # noqa: PTH123
            file.write(b"latin")
        storage = opened(server, encoding="latin-1")

        assert names(storage.enumerate()) == ["café", "x"]
        assert storage.fetch("café").data == b"latin"
        storage.close()


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="'klingon' is not a supported encoding"):
        FtpSettings(host="h", encoding="klingon")


def test_a_drop_folder_takes_files_although_no_folder_can_be_made() -> None:
    with plain(anon_mkdir_write_enable="NO") as server:
        (server.root / "pub/in").mkdir()
        (server.root / "pub/in").chmod(0o777)
        storage = opened(server)

        storage.put("in/a", b"one", Attributes())
        writer = storage.write("in/b", Attributes())
        writer.write(b"two")
        writer.commit(Digest.of(b"two"))

        assert sorted(one.name for one in (server.root / "pub/in").iterdir()) == ["a", "b"]
        assert not (server.root / "pub/.entrepot").exists()
        storage.close()


def test_what_may_not_be_written_at_all_is_told() -> None:
    with plain(write_enable="NO") as server:
        storage = opened(server)
        with pytest.raises(AccessDenied):
            storage.put("a", b"x", Attributes())
        storage.close()


def test_an_empty_folder_of_its_name_makes_way_for_a_file() -> None:
    with plain() as server:
        (server.root / "pub/a/b/c").mkdir(parents=True)
        for folder in ("a/b/c", "a/b", "a"):
            (server.root / "pub" / folder).chmod(0o777)
        storage = opened(server)

        storage.put("a", b"now a file", Attributes())

        assert storage.fetch("a").data == b"now a file"
        storage.close()


LINES = {
    "two-word group": (
        "drwxr-xr-x 2 root domain users 4096 Nov 22 08:00 in",
        FtpEntry("in", "dir"),
    ),
    "iso date": ("-rw-r--r-- 1 u g 12 2026-11-22 08:00 a b", FtpEntry("a b", "file", 12)),
    "day before month": ("-rw-r--r-- 1 u g 12 22. Nov 08:00 x", FtpEntry("x", "file", 12)),
    "month in another language": (
        "-rw-r--r-- 1 u g 12 déc 22 2025 x",
        FtpEntry("x", "file", 12),
    ),
    "no link count": ("-rw-r--r-- u g 12 Nov 22 08:00 x", FtpEntry("x", "file", 12)),
    "leading blanks": ("-rw-r--r-- 1 u g 12 Nov 22 08:00   x", FtpEntry("  x", "file", 12)),
    "a name that looks like a date": (
        "-rw-r--r-- 1 u g 12 Nov 22 08:00 Jan  1 2020 x",
        FtpEntry("Jan  1 2020 x", "file", 12),
    ),
    "device": ("crw-rw---- 1 root tty 4, 64 Nov 22 08:00 ttyS0", FtpEntry("ttyS0", "other")),
    "iis file": (
        "11-22-26  08:00AM                 1024 a b.txt",
        FtpEntry("a b.txt", "file", 1024),
    ),
    "iis folder": ("11-22-2026  20:00       <DIR>          in", FtpEntry("in", "dir")),
}


@pytest.mark.parametrize(("line", "entry"), LINES.values(), ids=LINES)
def test_lines_of_many_servers_are_read(line: str, entry: FtpEntry) -> None:
    assert parse_list(line) == entry


@pytest.mark.parametrize(
    "text", ["20261301000000", "20260230000000", "20260101250000", "never", ""]
)
def test_a_date_that_is_none_is_no_time(text: str) -> None:
    assert parse_time(text) is None
    assert parse_facts(f"type=file;size=3;modify={text}; a") == FtpEntry("a", "file", 3)


@pytest.mark.parametrize("line", ["size=3; a", "type=file;size=3;", "a", "type=file;size=3; "])
def test_facts_that_do_not_say_what_an_entry_is_cannot_be_read(line: str) -> None:
    with pytest.raises(UnexpectedReply):
        parse_facts(line)


def test_a_line_that_cannot_be_read_leaves_its_folder_unknown(
    ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded(ftp_server.root / "odd", "a", "in/b")
    lines = FtpLister.lines

    def spoilt(self: FtpLister, client: object, command: str) -> list[str]:
        found = lines(self, client, command)  # type: ignore[arg-type]
        return [*found, "no such line"] if command.endswith("/in") else found

    monkeypatch.setattr(FtpLister, "lines", spoilt)
    settings = FtpSettings(
        host=ftp_server.host,
        port=ftp_server.port,
        path="odd",
        username=ftp_server.user,
        password=SecretStr(ftp_server.password),
    )
    storage = settings.open(OPTIONS)
    gaps: list[Gap] = []

    assert sorted(one.path for one in files_collecting_gaps(storage.enumerate(), gaps)) == [
        "a",
        "in/b",
    ]
    assert [(one.path, one.code, one.below) for one in gaps] == [("in", UNREADABLE, True)]
    storage.close()
