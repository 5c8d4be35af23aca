"""Git over SSH: dulwich's git protocol with the SSH login of the SFTP provider.

By default dulwich runs the system's `ssh`, which trusts whatever its configuration does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import asyncssh
from dulwich.client import SSHGitClient, SSHVendor
from dulwich.config import ConfigDict
from dulwich.protocol import Protocol

from providers.base import Timeouts
from providers.ssh.fields import SshLogin
from providers.ssh.login import login_arguments
from providers.ssh.sessions import SftpSessions

T = TypeVar("T")


@contextmanager
def ssh_client(login: SshLogin, where: str, timeouts: Timeouts) -> Generator[SSHGitClient]:
    """Yield a client; `where` names the repository in errors."""
    arguments = login_arguments(login, timeouts)
    sessions = SftpSessions(arguments, where, timeouts, 1)
    vendor = _Vendor(sessions, arguments)
    client = _Client(login.host, login.port, vendor=vendor, config=ConfigDict())
    try:
        yield client
    finally:
        for pipe in client.pipes:
            pipe.close()
        sessions.close()


class _Client(SSHGitClient):
    """Closes its pipes itself: dulwich leaves them open if the server disconnects early."""

    def __init__(self, host: str, port: int, *, vendor: SSHVendor, config: ConfigDict) -> None:
        super().__init__(host, port, vendor=vendor, config=config)
        self.pipes: list[Protocol] = []

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        pipes = super()._connect(cmd, path, protocol_version)
        self.pipes.append(pipes[0])
        return pipes


class _Vendor(SSHVendor):
    """Runs git commands on the server, each on its own connection."""

    def __init__(self, sessions: SftpSessions, arguments: dict[str, Any]) -> None:
        self._sessions, self._arguments = sessions, arguments

    def run_command(  # type: ignore[override]  # as dulwich's own other vendors: any such object
        self,
        host: str,  # noqa: ARG002 - the login has it
        command: bytes,
        **given: Any,  # noqa: ANN401 - theirs
    ) -> _Channel:
        """Start a command, and request the protocol version."""
        version = given.get("protocol_version")
        environment = {} if version is None else {"GIT_PROTOCOL": f"version={version}"}
        channel = _Channel(self._sessions, command.decode())
        channel.start(self._arguments, environment)
        return channel


class _Channel:
    """The pipe to a running command, as dulwich reads and writes it."""

    def __init__(self, sessions: SftpSessions, command: str) -> None:
        self._sessions, self._command = sessions, command
        self._timeout_s = sessions.timeouts.read_s
        self._connection: asyncssh.SSHClientConnection | None = None
        self._process: asyncssh.SSHClientProcess[bytes] | None = None
        self.stderr = self  # dulwich reads its lines if the server disconnected

    def start(self, arguments: dict[str, Any], environment: dict[str, str]) -> None:
        try:
            self._run(self._start(arguments, environment))
        except BaseException:
            self.close()
            raise

    def read(self, size: int) -> bytes:
        return self._run(self._read(size))

    def write(self, data: bytes) -> int:
        self._run(self._write(data))
        return len(data)

    def readlines(self) -> list[bytes]:
        return self._run(self._read_stderr()).splitlines(keepends=True)

    def can_read(self) -> bool:
        """Return False: without history there is nothing to negotiate."""
        return False

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._run(_close_connection(connection))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._sessions.run(work, self._command)

    async def _start(self, arguments: dict[str, Any], environment: dict[str, str]) -> None:
        async with asyncio.timeout(2 * self._sessions.timeouts.connect_s):
            self._connection = await asyncssh.connect(**arguments)
            self._process = await self._connection.create_process(
                self._command, env=environment, encoding=None
            )

    async def _read(self, size: int) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._open().stdout.readexactly(size)
        except asyncio.IncompleteReadError as error:
            return error.partial

    async def _write(self, data: bytes) -> None:
        async with asyncio.timeout(self._timeout_s):
            self._open().stdin.write(data)
            await self._open().stdin.drain()

    async def _read_stderr(self) -> bytes:
        async with asyncio.timeout(self._timeout_s):
            return await self._open().stderr.read()

    def _open(self) -> asyncssh.SSHClientProcess[bytes]:
        if self._process is None:
            raise ConnectionResetError(f"{self._command!r} was not started")
        return self._process


async def _close_connection(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    await connection.wait_closed()
