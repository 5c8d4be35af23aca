"""Settings of a folder on an SFTP server, with strict host key checking by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, model_validator

from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings, Timeouts
from providers.connection import OnClose, keep_open
from providers.shared.url import build_url, parse_url
from providers.ssh.fields import (
    HostKeyPolicy,
    HostKeys,
    KnownHosts,
    Passphrase,
    PrivateKey,
    SshLogin,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.sftp.storage import SftpStorage
    from providers.ssh.sessions import SftpSessions


class SftpSettings(ProviderSettings, title="SFTP"):
    """A folder of an SFTP server."""

    type: Literal["sftp"] = Field(
        default="sftp", title="Type", description="Files on an SFTP (SSH) server."
    )
    host: str = Field(title="Host", description="Name or address of the server.", min_length=1)
    port: int = Field(default=22, title="Port", description="Port of the server.", ge=1, le=65535)
    path: str = Field(
        default="/",
        title="Folder",
        description="Path of the folder; a leading ~/ is the user's home.",
    )
    username: str = Field(
        default="", title="User", description="User name; empty for the local user's name."
    )
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Password of the user."
    )
    private_key: PrivateKey = SecretStr("")
    passphrase: Passphrase = SecretStr("")
    host_keys: HostKeyPolicy = HostKeys.STRICT
    known_hosts: KnownHosts = ""

    @model_validator(mode="after")
    def _check_combination(self) -> SftpSettings:
        self.login()
        clean_prefix(self.path.removeprefix("~"))
        return self

    def address(self) -> str:
        """Return `sftp://host:port/path`."""
        netloc = self.host.lower() if self.port == 22 else f"{self.host.lower()}:{self.port}"
        user = f"{self.username}@" if self.username else ""
        return build_url("sftp", user + netloc, self._root())

    def connection_key(self) -> tuple[object, ...]:
        """Return everything but the folder."""
        return (
            self.host,
            self.port,
            self.username,
            self.password.get_secret_value(),
            self.private_key.get_secret_value(),
            self.passphrase.get_secret_value(),
            self.host_keys,
            self.known_hosts,
        )

    def login(self) -> SshLogin:
        """Return the credentials and the accepted host keys."""
        return SshLogin(
            self.host,
            self.port,
            self.username,
            self.password,
            self.private_key,
            self.passphrase,
            self.host_keys,
            self.known_hosts,
        )

    def connect(self, options: OpenOptions) -> SftpSessions:
        """Return sessions, which connect on demand."""
        from providers.ssh.login import login_arguments  # noqa: PLC0415 - the same
        from providers.ssh.sessions import SftpSessions  # noqa: PLC0415 - brings asyncssh

        where = self.model_copy(update={"path": "/"}).address()
        arguments = login_arguments(self.login(), options.timeouts)
        return SftpSessions(arguments, where, options.timeouts, options.connections)

    def storage(
        self,
        connection: SftpSessions,
        options: OpenOptions,  # noqa: ARG002 - the sessions have them
        *,
        on_close: OnClose = keep_open,
    ) -> SftpStorage:
        """Return the folder."""
        from providers.sftp.storage import SftpStorage  # noqa: PLC0415 - brings asyncssh

        root = self._root()
        relative = root == "~" or root.startswith("~/")
        place = root.removeprefix("~").strip("/") if relative else "/" + root.strip("/")
        where = self.address()
        return SftpStorage(connection.for_folder(where), place, where, on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return an sshfs filesystem with the same credentials and host keys."""
        from sshfs import SSHFileSystem  # noqa: PLC0415 - connects when it is made

        from providers.ssh.login import login_arguments  # noqa: PLC0415 - brings asyncssh

        arguments = login_arguments(self.login(), Timeouts())
        host = arguments.pop("host")
        return SSHFileSystem(host, skip_instance_cache=True, **arguments)

    @classmethod
    def from_url(cls, url: str) -> SftpSettings:
        """Parse `sftp://user@host:port/path`; `/~/path` is in the user's home."""
        parsed = parse_url(url)
        path = parsed.path.removeprefix("/") if parsed.path.startswith("/~") else parsed.path
        return cls(host=parsed.host, port=parsed.port or 22, username=parsed.user, path=path or "/")

    def _root(self) -> str:
        return "~/" + clean_prefix(self.path[1:]) if self.path.startswith("~") else self.path
