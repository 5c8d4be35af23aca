"""A bounded pool of FTP connections, with TLS on both channels."""

# ruff: noqa: S321 - FTP is insecure; users can set `tls`

from __future__ import annotations

import copy
import ftplib
import socket
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from pydantic import SecretStr

from catalog.errors import (
    CatalogError,
    InvalidInput,
    TransferTimeout,
)
from providers.base import OpenOptions
from providers.ftp.errors import translate_ftp_error

MAX_CONNECTIONS = 8  # connections; many servers refuse more from one address
IDLE_S = 10.0  # an idle connection is checked before use after this time
_BROKEN = (ftplib.Error, OSError, EOFError)  # errors of a broken connection


class FtpTls(StrEnum):
    """How control and data connections are encrypted."""

    NONE = "none"
    EXPLICIT = "explicit"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class FtpPlace:
    """Server and credentials."""

    host: str
    port: int
    username: str
    password: SecretStr
    tls: FtpTls = FtpTls.NONE
    context: ssl.SSLContext | None = None
    encoding: str = "utf-8"


@dataclass(slots=True)
class FtpClient:
    """A logged-in connection, the server's features, and its last use."""

    ftp: ftplib.FTP
    features: frozenset[str]
    used_s: float = field(default_factory=time.monotonic)


class _Plain(ftplib.FTP):
    """FTP whose commands and replies may contain any bytes, decoded with `surrogateescape`."""

    def putline(self, line: str) -> None:
        """Send one line."""
        if "\r" in line or "\n" in line:
            raise InvalidInput("an FTP command must not contain a line break")
        if self.sock is None:
            raise EOFError("the connection is closed")
        self.sock.sendall((line + ftplib.CRLF).encode(self.encoding, "surrogateescape"))

    def attach(self, sock: socket.socket) -> None:
        """Use a connected socket, and read the server's greeting."""
        self.sock, self.af = sock, sock.family
        self.reopen_reader()
        self.welcome = self.getresp()

    def reopen_reader(self) -> None:
        """Reopen the reply stream so that it accepts any bytes."""
        if self.sock is not None:
            self.file = self.sock.makefile("r", encoding=self.encoding, errors="surrogateescape")


class _Tls(_Plain, ftplib.FTP_TLS):
    """FTP over TLS; data channels resume the control channel's session, as servers require."""

    def auth(self) -> str:
        """Start TLS on the control channel."""
        reply = super().auth()
        self.reopen_reader()
        return reply

    def ntransfercmd(
        self, cmd: str, rest: int | str | None = None
    ) -> tuple[socket.socket, int | None]:
        """Open a data channel."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(conn, server_hostname=self.host, session=session), size


class FtpConnections:
    """A bounded pool of connections."""

    def __init__(self, place: FtpPlace, options: OpenOptions, where: str) -> None:
        """Open at most `options.connections` connections (and at most 8) for each folder."""
        self._place = place
        self._timeouts = options.timeouts
        self.where = where
        self._limit = max(1, min(options.connections, MAX_CONNECTIONS))
        self._free = threading.Semaphore(self._limit)
        self._places: dict[str, threading.Semaphore] = {}
        self._idle: list[FtpClient] = []

    def for_folder(self, where: str) -> Self:
        """Return the same pool with `where` as the folder named in errors.

        Each folder has its own limit: otherwise transfers from one to another would use every
        connection for reading, and wait for ever for one to write.
        """
        same = copy.copy(self)
        same.where = where
        same._free = self._places.setdefault(where, threading.Semaphore(self._limit))  # noqa: SLF001 - its copy
        return same

    @contextmanager
    def client(self, path: str) -> Generator[FtpClient]:
        """Yield a connection for one exchange; translate errors, and drop it if it is broken."""
        with self.take_over(path) as client:
            yield client
        self.put_back(client)

    @contextmanager
    def take_over(self, path: str) -> Generator[FtpClient]:
        """Yield a connection like `client`, which the caller keeps unless an error occurs."""
        client = self.take(path)
        try:
            yield client
        except (ftplib.error_perm, CatalogError) as error:
            # A refused command does not break the connection.
            self.put_back(client)
            if isinstance(error, CatalogError):
                raise
            raise translate_ftp_error(error, path, self.where) from error
        except BaseException as error:
            self.drop(client)
            if isinstance(error, _BROKEN):
                raise translate_ftp_error(error, path, self.where) from error
            raise

    def take(self, path: str) -> FtpClient:
        """Return a working connection; it must be put back or dropped."""
        if not self._free.acquire(timeout=10 * self._timeouts.read_s):
            raise TransferTimeout(
                f"{self.where}: no connection became free for {path!r}: all {self._limit} "
                "are in use",
                path=path,
            )
        try:
            while self._idle:
                client = self._idle.pop()
                if time.monotonic() - client.used_s < IDLE_S or _is_alive(client):
                    return client
                _disconnect(client)
            return self._login(path)
        except BaseException:
            self._free.release()
            raise

    def put_back(self, client: FtpClient) -> None:
        """Return a connection that is ready for the next command."""
        client.used_s = time.monotonic()
        self._idle.append(client)
        self._free.release()

    def drop(self, client: FtpClient) -> None:
        """Close a connection that cannot be reused."""
        _disconnect(client)
        self._free.release()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            _disconnect(self._idle.pop())

    def _login(self, path: str) -> FtpClient:
        place, timeout = self._place, self._timeouts.connect_s
        ftp = (
            _Plain(encoding=place.encoding)
            if place.context is None
            else _Tls(context=place.context, encoding=place.encoding)
        )
        try:
            _connect(ftp, place, timeout)
            ftp.login(place.username or "anonymous", place.password.get_secret_value())
            if isinstance(ftp, _Tls):
                ftp.prot_p()
            features = _features(ftp)
            if "UTF8" in features and place.encoding == "utf-8":
                with suppress(ftplib.error_perm):
                    ftp.sendcmd("OPTS UTF8 ON")
            ftp.voidcmd("TYPE I")
            if ftp.sock is not None:
                ftp.sock.settimeout(self._timeouts.read_s)
            ftp.timeout = self._timeouts.read_s
        except BaseException as error:
            ftp.close()
            if isinstance(error, _BROKEN):
                raise translate_ftp_error(error, path, self.where) from error
            raise
        return FtpClient(ftp, features)


def _connect(ftp: _Plain, place: FtpPlace, timeout_s: float) -> None:
    ftp.host, ftp.port, ftp.timeout = place.host, place.port, timeout_s
    sock = socket.create_connection((place.host, place.port), timeout_s)
    if place.tls is FtpTls.IMPLICIT and place.context is not None:
        sock = place.context.wrap_socket(sock, server_hostname=place.host)
    ftp.attach(sock)
    if isinstance(ftp, _Tls) and place.tls is FtpTls.EXPLICIT:
        ftp.auth()


def _features(ftp: ftplib.FTP) -> frozenset[str]:
    try:
        reply = ftp.sendcmd("FEAT")
    except ftplib.error_perm:
        return frozenset()
    lines = reply.splitlines()[1:-1]
    return frozenset(line.strip().split(" ")[0].upper() for line in lines if line.strip())


def _is_alive(client: FtpClient) -> bool:
    try:
        client.ftp.voidcmd("NOOP")
    except _BROKEN:
        return False
    return True


def _disconnect(client: FtpClient) -> None:
    with suppress(OSError):
        client.ftp.close()
