"""Settings fields shared by providers over SSH: credentials and host keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr

from catalog.errors import InvalidInput


class HostKeys(StrEnum):
    """Which host keys to accept."""

    STRICT = "strict"
    """Only known ones."""
    INSECURE = "insecure"
    """Any: vulnerable to man-in-the-middle attacks."""


PrivateKey = Annotated[
    SecretStr,
    Field(
        title="Private key",
        description="Private key as text; without key and password, the SSH agent and the keys in"
        " the home folder are used.",
    ),
]
Passphrase = Annotated[
    SecretStr, Field(title="Passphrase", description="Passphrase of the private key.")
]
HostKeyPolicy = Annotated[
    HostKeys,
    Field(title="Host keys", description="Accept only known host keys, or any (for tests only)."),
]
KnownHosts = Annotated[
    str,
    Field(
        title="Known hosts",
        description="The server's public key, known_hosts lines, or the path of such a file.",
    ),
]


@dataclass(frozen=True, slots=True)
class SshLogin:
    """Server, credentials, and accepted host keys."""

    host: str
    port: int
    username: str
    password: SecretStr
    private_key: SecretStr
    passphrase: SecretStr
    host_keys: HostKeys
    known_hosts: str

    def __post_init__(self) -> None:
        """Refuse contradicting settings."""
        if not self.host:
            raise InvalidInput("the address of the SSH server has no host")
        if self.passphrase.get_secret_value() and not self.private_key.get_secret_value():
            raise InvalidInput("a passphrase needs its private key")
        if self.host_keys is HostKeys.INSECURE and self.known_hosts:
            raise InvalidInput(
                "remove known_hosts, or set host_keys to 'strict': 'insecure' accepts any host key"
            )
