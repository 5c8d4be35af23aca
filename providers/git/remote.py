"""Where a ref of a git repository is, and how its server and that of Git LFS are reached."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from providers.shared.origin import Proxy, Tls
from providers.ssh.fields import SshLogin


@dataclass(frozen=True, slots=True)
class GitRemote:
    """A ref at an address, and what logs in there; secrets never show."""

    url: str
    ref: str
    username: str
    token: SecretStr
    lfs_url: str  # '' for the repository's own server
    tls: Tls
    proxy: Proxy | None
    ssh: SshLogin | None  # of ssh:// alone
