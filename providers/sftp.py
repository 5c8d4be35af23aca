"""SFTP servers: a folder reached by SSH, host keys strict."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import asyncssh
from pydantic import Field, SecretStr, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings, Timeouts
from providers.sftp_storage import SftpStorage
from providers.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_CIPHERS = [  # measured: 7.9, 9.0 and 12.7 ms of CPU a MB
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
]
_KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")


class HostKeys(StrEnum):
    """Which servers to believe."""

    STRICT = "strict"
    """Only those whose key is known already."""
    INSECURE = "insecure"
    """Anybody: whoever stands in the way reads and writes everything."""


class SftpSettings(ProviderSettings):
    """A folder of an SFTP server."""

    type: Literal["sftp"] = Field(
        default="sftp", title="Type", description="Files of a server that speaks SSH."
    )
    host: str = Field(title="Host", description="Name or address of the server.", min_length=1)
    port: int = Field(default=22, title="Port", description="Port of the server.", ge=1, le=65535)
    path: str = Field(
        default="/",
        title="Folder",
        description="Path of the folder; ~/ at its front means the user's home.",
    )
    username: str = Field(
        default="", title="User", description="User to log in as; empty for the local user's name."
    )
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Password of the user."
    )
    private_key: SecretStr = Field(
        default=SecretStr(""),
        title="Private key",
        description="Text of the private key; without it and a password, agent and home are asked.",
    )
    passphrase: SecretStr = Field(
        default=SecretStr(""), title="Passphrase", description="What opens the private key."
    )
    host_keys: HostKeys = Field(
        default=HostKeys.STRICT,
        title="Host keys",
        description="Believe known servers only, or any (tests only).",
    )
    known_hosts: str = Field(
        default="",
        title="Known hosts",
        description="The server's public key, known_hosts lines, or a file's path.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> SftpSettings:
        if self.passphrase.get_secret_value() and not self.private_key.get_secret_value():
            raise InvalidInput("a passphrase was given without its private key")
        if self.host_keys is HostKeys.INSECURE and self.known_hosts:
            raise InvalidInput("known hosts are of no use where any host key is accepted")
        clean_prefix(self.path.removeprefix("~"))
        return self

    def address(self) -> str:
        """Return `sftp://host:port/path`."""
        netloc = self.host.lower() if self.port == 22 else f"{self.host.lower()}:{self.port}"
        user = f"{self.username}@" if self.username else ""
        return build_url("sftp", user + netloc, self._root())

    def connection_key(self) -> tuple[object, ...]:
        """Return all but the folder."""
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

    def open(self, options: OpenOptions) -> SftpStorage:
        """Open the folder; connections are made when they are needed."""
        root = self._root()
        relative = root == "~" or root.startswith("~/")
        place = root.removeprefix("~").strip("/") if relative else "/" + root.strip("/")
        return SftpStorage(self.connect_arguments(options.timeouts), place, self.address(), options)

    def filesystem(self) -> AbstractFileSystem:
        """Return sshfs's filesystem with the same identity and the same host keys."""
        from sshfs import SSHFileSystem  # noqa: PLC0415 - connects when it is made

        arguments = self.connect_arguments(Timeouts())
        host = arguments.pop("host")
        return SSHFileSystem(host, skip_instance_cache=True, **arguments)

    def connect_arguments(self, timeouts: Timeouts) -> dict[str, Any]:
        """Return what asyncssh needs to connect."""
        arguments: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "known_hosts": self._trusted(),
            "encryption_algs": _CIPHERS,
            "connect_timeout": timeouts.connect_s,
            "login_timeout": timeouts.connect_s,
            "keepalive_interval": 15,
            "keepalive_count_max": 2,
            "config": None,  # ~/.ssh/config is somebody's habit, not this repository's setting
        }
        if self.username:
            arguments["username"] = self.username
        password, key = self.password.get_secret_value(), self.private_key.get_secret_value()
        if password or key:
            arguments["agent_path"] = None
            arguments["client_keys"] = [self._key(key)] if key else None
        if password:
            arguments["password"] = password
        return arguments

    @classmethod
    def from_url(cls, url: str) -> SftpSettings:
        """Read `sftp://user@host:port/path`; `/~/path` lies in the user's home."""
        parsed = parse_url(url)
        path = parsed.path.removeprefix("/") if parsed.path.startswith("/~") else parsed.path
        return cls(host=parsed.host, port=parsed.port or 22, username=parsed.user, path=path or "/")

    def _root(self) -> str:
        return "~/" + clean_prefix(self.path[1:]) if self.path.startswith("~") else self.path

    def _key(self, text: str) -> asyncssh.SSHKey:
        passphrase = self.passphrase.get_secret_value() or None
        try:
            return asyncssh.import_private_key(text, passphrase)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise InvalidInput(f"the private key cannot be read: {error.args[0]}") from error

    def _trusted(self) -> asyncssh.SSHKnownHosts | None:
        if self.host_keys is HostKeys.INSECURE:
            return None
        text = self.known_hosts.strip()
        try:
            if not text:
                found = [Path(one).expanduser() for one in _KNOWN_HOSTS]
                text = "\n".join(one.read_text() for one in found if one.is_file())
            elif " " not in text:
                text = Path(text).expanduser().read_text()
            elif text.startswith(("ssh-", "ecdsa-", "sk-")):
                text = "* " + text  # a bare key, pinned for this server
            return asyncssh.import_known_hosts(text)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"the known hosts cannot be read: {error}") from error
