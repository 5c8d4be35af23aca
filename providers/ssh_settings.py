"""Fields that providers over SSH ask a person for alike: who logs in, and whom to believe."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr


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
BelievedHosts = Annotated[
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
