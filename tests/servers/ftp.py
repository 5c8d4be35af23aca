"""pyftpdlib in a process of its own: plain FTP with MLSD, REST and MFMT.

Run as a program it is the server: `python ftp.py PORT FOLDER`.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# The server library has no types.

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = "alice"
PASSWORD = "s3cret"
READER = "reader"  # who may list and read, and nothing else


@dataclass(frozen=True, slots=True)
class FtpServer:
    """A running FTP server over `root`."""

    port: int
    root: Path
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD


@contextmanager
def ftp(folder: Path) -> Generator[FtpServer, None, None]:
    """Run the server in `folder`."""
    from tests.servers.process import free_ports, listens, running  # noqa: PLC0415 - not as a program

    (port,) = free_ports(1)
    root = folder / "files"
    root.mkdir(exist_ok=True)  # it may be a disk of its own
    command: list[str | Path] = [sys.executable, "-W", "ignore", __file__, str(port), root]
    with running(command, lambda: listens(port), log=folder / "ftp.log"):
        yield FtpServer(port=port, root=root)


def serve(port: int, root: str) -> None:
    """Serve for ever."""
    from pyftpdlib.authorizers import DummyAuthorizer  # noqa: PLC0415 - only the child needs it
    from pyftpdlib.handlers import FTPHandler  # noqa: PLC0415
    from pyftpdlib.servers import FTPServer  # noqa: PLC0415

    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, root, perm="elradfmwMT")
    authorizer.add_user(READER, PASSWORD, root, perm="elr")
    handler = FTPHandler
    handler.authorizer = authorizer
    server = FTPServer(("127.0.0.1", port), handler)
    server.max_cons = 512
    server.max_cons_per_ip = 256
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
