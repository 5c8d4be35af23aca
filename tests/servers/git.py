"""Git's own `git http-backend` behind Python's web server, with basic auth, and an LFS server.

Repositories lie bare below `root`; what lies below `private` asks for a login.
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from dulwich.lfs import LFSStore
from dulwich.lfs_server import LFSServer

from tests.servers.process import program

USER = "alice"
PASSWORD = "s3cret"


@dataclass(frozen=True, slots=True)
class GitServer:
    """A running git server over `root`, and an LFS server beside it."""

    url: str
    root: Path
    lfs: LFSStore
    lfs_url: str
    seen: list[str] = field(default_factory=list[str])  # targets of requests

    def make(self, name: str) -> Path:
        """Make an empty bare repository."""
        git(self.root, "init", "--quiet", "--bare", "--initial-branch=main", name)
        return self.root / name

    def store(self, data: bytes) -> bytes:
        """Put bytes into LFS and return the pointer to them."""
        oid = self.lfs.write_object([data])
        return pointer(oid, len(data))


def pointer(oid: str, size: int) -> bytes:
    """Return what git holds of a file in LFS."""
    head = "version https://git-lfs.github.com/spec/v1"
    return f"{head}\noid sha256:{oid}\nsize {size}\n".encode()


def missing_pointer(data: bytes) -> bytes:
    """Return a pointer to bytes that no server has."""
    return pointer(sha256(data).hexdigest(), len(data))


def git(folder: Path, *arguments: str, data: bytes | None = None) -> str:
    """Run git, nobody's configuration in its way."""
    clean = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.com"))
    }
    done = subprocess.run(
        [program("git"), *arguments],
        cwd=folder,
        input=data,
        env={**os.environ, **clean, **who},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def commit(bare: Path, files: Mapping[str, bytes], ref: str = "refs/heads/main") -> str:
    """Add files to a branch, in one commit; a link is written as `-> target`."""
    lines = [f"commit {ref}\ncommitter t <t@example.com> now\ndata 1\nx\n".encode()]
    if (
        subprocess.run(
            [program("git"), "rev-parse", "--quiet", "--verify", ref],
            cwd=bare,
            capture_output=True,
            check=False,
        ).returncode
        == 0
    ):
        lines.append(f"from {ref}^0\n".encode())
    for path, body in files.items():
        mode, data = ("120000", body[3:]) if body.startswith(b"-> ") else ("100644", body)
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append(f'M {mode} inline "{quoted}"\ndata {len(data)}\n'.encode() + data + b"\n")
    git(bare, "fast-import", "--quiet", "--date-format=now", data=b"".join(lines))
    return git(bare, "rev-parse", ref)


@contextmanager
def git_server(folder: Path) -> Generator[GitServer, None, None]:
    """Run both servers in threads of this process."""
    program("git")
    root = folder / "git"
    root.mkdir()
    with TemporaryDirectory() as objects:
        lfs = LFSServer(("127.0.0.1", 0), LFSStore.create(objects))
        web = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        made = GitServer(
            f"http://127.0.0.1:{web.server_address[1]}",
            root,
            lfs.lfs_store,
            f"http://127.0.0.1:{lfs.server_address[1]}",
        )
        _Handler.server_of[web.server_address[1]] = made
        threads = [threading.Thread(target=one.serve_forever) for one in (lfs, web)]
        for thread in threads:
            thread.start()
        try:
            yield made
        finally:
            for one in (lfs, web):
                one.shutdown()
                one.server_close()
            for thread in threads:
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    """CGI to `git http-backend`."""

    server_of: dict[int, GitServer] = {}  # noqa: RUF012 - by port

    def do_GET(self) -> None:
        """Answer."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        server = self.server_of[int(self.connection.getsockname()[1])]
        server.seen.append(self.path)
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if "private" in self.path and self.headers.get("Authorization") != f"Basic {login}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        target = urlsplit(self.path)  # a proxy sends whole URLs, which every server must take
        done = subprocess.run(
            [program("git"), "http-backend"],
            input=body,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": unquote(target.path),
                "QUERY_STRING": target.query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            },
            capture_output=True,
            check=False,
        )
        head, _, data = done.stdout.partition(b"\r\n\r\n")
        pairs = [line.decode().split(": ", 1) for line in head.split(b"\r\n") if line]
        status = next((value for name, value in pairs if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in pairs:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
