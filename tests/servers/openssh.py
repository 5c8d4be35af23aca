"""OpenSSH's sshd with internal-sftp: its own host key, one user key, no passwords."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import free_ports, listens, program, running

_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True, slots=True)
class SftpServer:
    """A running sshd, and what a client needs to be let in."""

    port: int
    user: str
    root: Path
    client_key: Path
    known_hosts: Path
    host: str = "127.0.0.1"


@contextmanager
def openssh(folder: Path) -> Generator[SftpServer, None, None]:
    """Run sshd as this user; `root` below `folder` is where the tests write."""
    (port,) = free_ports(1)
    root = folder / "files"
    root.mkdir(exist_ok=True)  # it may be a disk of its own
    for name in ("host_key", "client_key"):
        subprocess.run(
            [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
            check=True,
            capture_output=True,
        )
    public = (folder / "client_key.pub").read_text()
    (folder / "authorized_keys").write_text(public)
    host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {host_key}\n")
    config = folder / "sshd_config"
    config.write_text(_CONFIG.format(folder=folder, port=port))
    if os.getuid() == 0:  # a root sshd wants its separation folder; images often lack it
        Path("/run/sshd").mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [program("sshd"), "-D", "-e", "-f", config]
    with running(command, lambda: listens(port), log=folder / "sshd.log"):
        yield SftpServer(
            port=port,
            user=getpass.getuser(),
            root=root,
            client_key=folder / "client_key",
            known_hosts=known_hosts,
        )
