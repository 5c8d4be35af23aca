"""How much of a file is read again by the run after a kill -9.

    python benchmarks/resume.py [MIB]

A web server that counts what it sends holds one file (2048 MiB by default). A run is killed when
60 % were sent, and run again: to a folder, and to a bucket. Printed is what each run read, as a
share of the file, and whether the bytes that arrived are those of the file.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import obstore
from sync import prefect_server

from tests.servers.seaweedfs import seaweedfs

MIB = 2**20
BLOCK = random.Random(1).randbytes(MIB)
KILLED_AT = 0.6


def part(number: int) -> bytes:
    """Return a MiB of the file."""
    return number.to_bytes(8, "big") + BLOCK[8:]


class Counting(BaseHTTPRequestHandler):
    """Serves the one file, in ranges too, and counts."""

    protocol_version = "HTTP/1.1"
    mib: ClassVar[int] = 2048
    digest: ClassVar[str] = ""
    sent: ClassVar[int] = 0
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_GET(self) -> None:
        """Send the file from where it is asked for, or the list that names it."""
        size = self.mib * MIB
        if not self.path.endswith("/large"):
            body = f"large,{self.digest},{size}\n".encode()
            self.head(200, len(body), {})
            self.wfile.write(body)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "bytes=0-")
        first, last = int(asked[1]), int(asked[2] or size - 1) if asked else (0, size - 1)
        ranged = (
            {"Content-Range": f"bytes {first}-{last}/{size}"} if "Range" in self.headers else {}
        )
        self.head(206 if ranged else 200, last + 1 - first, {"ETag": '"one"', **ranged})
        at = first
        while self.command == "GET" and at <= last:
            data = memoryview(part(at // MIB))[at % MIB : at % MIB + last + 1 - at]
            try:
                self.wfile.write(data)
            except OSError:
                self.close_connection = True
                return
            at += len(data)
            with self.lock:
                type(self).sent += len(data)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def head(self, status: int, length: int, more: dict[str, str]) -> None:
        """Send the status and the headers."""
        self.send_response(status)
        for name, value in (
            {"Content-Length": str(length), "Accept-Ranges": "bytes"} | more
        ).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Log nothing."""


def digest_of(chunks: object) -> str:
    """Hash what arrived."""
    hasher = sha256()
    for chunk in chunks:  # type: ignore[attr-defined]
        hasher.update(chunk)
    return hasher.hexdigest()


def main() -> None:
    """Kill, run again, and tell."""
    Counting.mib = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    size = Counting.mib * MIB
    right = Counting.digest = digest_of(part(number) for number in range(Counting.mib))
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="entrepot-bench-")))
        server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (place / "s3").mkdir()
        s3 = stack.enter_context(seaweedfs(place / "s3"))
        environment = {
            **os.environ,
            "S3_KEY": s3.access_key,
            "S3_SECRET": s3.secret_key,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "ENTREPOT_CATALOG": str(place / "catalog.duckdb"),
            "PYTHONPATH": str(HERE.parent),
        }
        environment["PREFECT_API_URL"] = stack.enter_context(prefect_server(place, environment))
        ends = {"folder": str(place / "end"), "bucket": f"s3+{s3.endpoint}/{s3.bucket}"}
        for kind, end in ends.items():
            source = f"http://127.0.0.1:{server.server_address[1]}/{kind}/PULP_MANIFEST"
            command = [sys.executable, str(HERE / "flow.py"), source, end]
            Counting.sent = 0
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            while Counting.sent < KILLED_AT * size:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(1)  # what the kernel had taken is counted too
            before, Counting.sent = Counting.sent, 0
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            if kind == "folder":
                with (place / "end/large").open("rb") as file:
                    found = digest_of(iter(lambda: file.read(MIB), b""))
            else:
                found = digest_of(obstore.get(s3.store(), "large").stream())
            verdict = "right" if found == right else "WRONG"
            sys.stdout.write(
                f"{kind:7} killed when {before / size:6.1%} were sent; the next run read "
                f"{Counting.sent / size:6.1%}; the bytes are {verdict}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
