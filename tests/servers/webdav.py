"""WsgiDAV on cheroot in a process of its own: PROPFIND, PUT, MOVE, strong etags, basic auth.

Run as a program it is the server: `python webdav.py PORT FOLDER`.
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


@dataclass(frozen=True, slots=True)
class WebdavServer:
    """A running WebDAV server over `root`."""

    url: str
    root: Path
    user: str = USER
    password: str = PASSWORD


@contextmanager
def webdav(folder: Path) -> Generator[WebdavServer, None, None]:
    """Run the server in `folder`."""
    from tests.servers.process import free_ports, listens, running  # noqa: PLC0415 - not as a program

    (port,) = free_ports(1)
    root = folder / "files"
    root.mkdir(exist_ok=True)  # it may be a disk of its own
    command: list[str | Path] = [sys.executable, "-W", "ignore", __file__, str(port), root]
    with running(command, lambda: listens(port), log=folder / "webdav.log"):
        yield WebdavServer(url=f"http://127.0.0.1:{port}", root=root)


def serve(port: int, root: str) -> None:
    """Serve for ever."""
    from cheroot.wsgi import Server  # noqa: PLC0415 - only the child needs it
    from wsgidav.wsgidav_app import WsgiDAVApp  # noqa: PLC0415

    config = {
        "provider_mapping": {"/": root},
        "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False},
        "lock_storage": None,
        "verbose": 0,
        "logging": {"enable": False},
    }
    Server(("127.0.0.1", port), WsgiDAVApp(config), numthreads=24).start()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
