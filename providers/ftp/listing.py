"""Lists an FTP server's folders, describes single files, and interprets refusals."""

from __future__ import annotations

import ftplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress

from catalog.errors import AccessDenied, ResourceNotFound, StorageError, UnexpectedReply
from catalog.model.gap import NAME, UNREADABLE, Gap, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import RESERVED
from providers.ftp.connection import (
    FtpClient,
    FtpConnections,
)
from providers.ftp.errors import is_missing_message, translate_ftp_error
from providers.ftp.list_parser import FtpEntry, parse_facts, parse_list, parse_time
from providers.shared.raw_names import to_printable, to_raw
from providers.shared.tree_walk import Folder, Found

# Of a folder that it may enter and not read vsftpd sends an empty list; only its 226 says so.
_FAILED = re.compile(r"fail|denied|not permitted|cannot|unable", re.IGNORECASE)
_QUOTED = re.compile(r'".*"')  # a path, which may hold any word
MAX_LISTING = 256 * 2**20  # bytes of one folder's listing


class FtpLister:
    """Lists folders below one folder of a server."""

    def __init__(self, connections: FtpConnections, base: str, where: str) -> None:
        """List below `base`, which starts and ends in a slash; `where` names it in messages."""
        self._connections = connections
        self._base = base
        self._where = where
        self._plain_list = False  # the server does not support `LIST -a`
        self._shows_itself: set[str] = set()  # commands whose answers begin with the folder itself

    def server_path(self, path: str) -> str:
        """Return the server's path of a file."""
        return self._base + to_raw(path)

    def server_folder(self, path: str) -> str:
        """Return the server's path of a folder."""
        return self.server_path(path).rstrip("/") or "/"

    def __call__(self, folders: list[Folder]) -> Iterator[tuple[Folder, Iterator[Found]]]:
        """List some folders."""
        for folder in folders:
            yield folder, self._list_folder(folder.path)

    def describe(self, client: FtpClient, path: str) -> Resource:
        """Return the metadata of one file; raise `ResourceNotFound` if it does not exist."""
        place = self.server_path(path)
        try:
            if "MLST" in client.features:
                lines = client.ftp.sendcmd(f"MLST {place}").splitlines()
                entry = parse_facts(lines[1].lstrip(" ") if len(lines) > 2 else "")
            else:
                size = client.ftp.size(place)
                changed = client.ftp.sendcmd(f"MDTM {place}")
                entry = FtpEntry(path, "file", size, parse_time(changed[4:]))
        except ftplib.error_perm as error:
            raise self._translate_refusal(client, error, path) from error
        if entry.kind not in ("file", "link"):
            raise ResourceNotFound(f"{path!r} is not a file at {self._where}", path=path)
        return entry.resource(path)

    def lines(self, client: FtpClient, command: str) -> list[str]:
        """Return the lines of one listing; raise `AccessDenied` if the server could not make it."""
        client.ftp.voidcmd("TYPE A")
        body = bytearray()
        with client.ftp.transfercmd(command) as data:
            while chunk := data.recv(2**16):
                body += chunk
                if len(body) > MAX_LISTING:
                    why = f"{self._where}: a listing is larger than {MAX_LISTING:,} bytes"
                    raise ConnectionError(why)  # the connection cannot be reused: it has the rest
            if isinstance(data, ssl.SSLSocket):
                with suppress(OSError):
                    data.unwrap()
        reply = client.ftp.voidresp()
        client.ftp.voidcmd("TYPE I")
        if _FAILED.search(_QUOTED.sub("", reply)):
            raise AccessDenied(f"{self._where}: the server did not list the folder: {reply!r}")
        text = body.decode(client.ftp.encoding, "surrogateescape")
        return [line.removesuffix("\r") for line in text.split("\n") if line.strip("\r")]

    def folders(self, client: FtpClient, folder: str) -> list[str]:
        """Return the subfolders of a folder; none if it cannot be listed."""
        command = "MLSD" if "MLST" in client.features else "LIST"
        parse = parse_facts if command == "MLSD" else parse_list
        try:
            client.ftp.cwd(self.server_folder(folder))
            entries = [parse(line) for line in self.lines(client, command)]
        except (ftplib.error_perm, ftplib.error_temp, AccessDenied, UnexpectedReply):
            return []
        names = [entry.name for entry in entries if entry is not None and entry.kind == "dir"]
        return [f"{folder}/{to_printable(name)}" for name in names if name not in (".", "..")]

    def _list_folder(self, folder: str) -> Iterator[Found]:
        """Yield the entries of a folder; an invalid line is a gap."""
        for line, parse in self._list_lines(folder):
            try:
                entry = parse(line)
            except UnexpectedReply as error:
                yield Gap(folder, error.message, UNREADABLE, below=True)
                continue
            if entry is None or entry.kind in ("cdir", "pdir", "other"):
                continue
            name = to_printable(entry.name)
            path = f"{folder}/{name}" if folder else name
            if name in (".", "..") or path == RESERVED:
                continue
            if "/" in name:
                yield Gap(path, "the server lists a name that contains a slash", NAME, below=True)
            elif entry.kind == "file":
                yield entry.resource(path)
            elif entry.kind == "dir":
                yield Folder(path)
            else:
                yield from self._follow_link(path)

    def _list_lines(self, folder: str) -> list[tuple[str, Callable[[str], FtpEntry | None]]]:
        """Return the lines that list one folder, each with its parser."""
        place = self.server_folder(folder)
        with self._connections.client(folder) as client:
            if "MLST" in client.features:
                lines = self.lines(client, f"MLSD {place}")
                self._check_complete("MLSD", lines, parse_facts)
                return [(line, parse_facts) for line in lines]
            client.ftp.cwd(place)  # LIST of a missing folder is empty, and of a file its line
            lines = []
            if not self._plain_list:
                try:
                    lines = self.lines(client, "LIST -a")
                except ftplib.error_perm:
                    self._plain_list = True
                else:
                    self._check_complete("LIST -a", lines, parse_list)
            if not lines:  # some servers take -a for a name
                lines = self.lines(client, "LIST")
            return [(line, parse_list) for line in lines]

    def _check_complete(
        self, command: str, lines: list[str], parse: Callable[[str], FtpEntry | None]
    ) -> None:
        """Raise `AccessDenied` if this listing is empty, and others contain the folder itself.

        Servers that may enter a folder and not read it send such a list, some without a word.
        """
        if not lines:
            if command in self._shows_itself:
                what = "the server listed nothing, not even the folder itself as it does elsewhere"
                raise AccessDenied(f"{self._where}: {what}; its user may not read the folder")
        elif command not in self._shows_itself:
            for line in lines[:3]:  # the first may be a total
                with suppress(UnexpectedReply):
                    entry = parse(line)
                    if entry is not None and (entry.kind == "cdir" or entry.name == "."):
                        self._shows_itself.add(command)

    def _follow_link(self, path: str) -> Iterator[Found]:
        """Yield the file that a link leads to; nothing for a folder or a broken link."""
        with self._connections.client(path) as client:
            try:
                yield self.describe(client, path)
            except ResourceNotFound:
                return
            except AccessDenied as error:
                if not self._is_folder(client, path):
                    yield gap_from_error(error, path, below=True)

    def _is_folder(self, client: FtpClient, path: str) -> bool:
        try:
            client.ftp.cwd(self.server_folder(path))
        except ftplib.error_perm:
            return False
        return True

    def _translate_refusal(
        self, client: FtpClient, error: ftplib.error_perm, path: str
    ) -> StorageError:
        """Translate a refusal: code 550 alone does not tell whether the file exists."""
        ours = translate_ftp_error(error, path, self._where)
        if not isinstance(ours, ResourceNotFound) or is_missing_message(error):
            return ours
        if self._is_folder(client, path):
            return ResourceNotFound(f"{path!r} is not a file at {self._where}", path=path)
        folder, _, name = path.rpartition("/")
        try:
            client.ftp.cwd(self.server_folder(folder))
            names = {line.rpartition("/")[2] for line in self.lines(client, "NLST")}
        except (ftplib.error_perm, ftplib.error_temp):  # no such folder, or an empty one
            return ours
        if to_raw(name) in names:
            return AccessDenied(f"{self._where} refuses access to {path!r}", path=path)
        return ours
