"""Address, ref and credentials of a git repository and its LFS server."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from providers.shared.origin import Proxy, Tls
from providers.ssh.fields import SshLogin


@dataclass(frozen=True, slots=True)
class GitRemote:
    """A ref at an address, with credentials."""

    url: str
    ref: str
    username: str
    token: SecretStr
    lfs_url: str  # '' for the repository's own server
    tls: Tls
    proxy: Proxy | None
    ssh: SshLogin | None  # for ssh:// only
