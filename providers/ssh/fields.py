"""Fields that providers over SSH ask a person for alike: who logs in, and whom to believe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr

from catalog.errors import InvalidInput


class HostKeys(StrEnum):
    """Which servers to believe."""

    STRICT = "strict"
    """Only those whose key is known already."""
    INSECURE = "insecure"
    """Anybody: whoever stands in the way reads and writes everything."""


PrivateKey = Annotated[
    SecretStr,
    Field(
        title="Private key",
        description="Text of the private key; without it and a password, agent and home are asked.",
    ),
]
Passphrase = Annotated[
    SecretStr, Field(title="Passphrase", description="What opens the private key.")
]
HostKeyPolicy = Annotated[
    HostKeys,
    Field(title="Host keys", description="Believe known servers only, or any (tests only)."),
]
KnownHosts = Annotated[
    str,
    Field(
        title="Known hosts",
        description="The server's public key, known_hosts lines, or a file's path.",
    ),
]


@dataclass(frozen=True, slots=True)
class SshLogin:
    """Where to log in, as whom, and which host keys are believed; secrets never show."""

    host: str
    port: int
    username: str
    password: SecretStr
    private_key: SecretStr
    passphrase: SecretStr
    host_keys: HostKeys
    known_hosts: str

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if not self.host:
            raise InvalidInput("the address of an SSH server needs a host")
        if self.passphrase.get_secret_value() and not self.private_key.get_secret_value():
            raise InvalidInput("a passphrase was given without its private key")
        if self.host_keys is HostKeys.INSECURE and self.known_hosts:
            raise InvalidInput("known hosts are of no use where any host key is accepted")
