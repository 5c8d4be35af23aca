"""How much memory one sync takes beyond what it takes with nothing to move.

    python benchmarks/memory.py [--memory 32 256] [--files one many small] [--routes web-folder …]

Each figure is the peak resident memory (VmHWM) of a process that runs the flow once, less that of
a process that moves one file of a byte by the same route: what the files cost. The promise is
`ENTREPOT_MEMORY` and a tenth.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from rss import peak_mib
from sync import prefect_server

from tests.servers.nginx import NginxServer, nginx
from tests.servers.seaweedfs import S3Server, seaweedfs

MIB = 2**20
SETS = {
    "none": (1, 1),
    "one": (1, 512 * MIB),
    "many": (8, 64 * MIB),
    "small": (60, 7 * MIB),
}
"""Files and bytes of each."""
ROUTES = ("web-folder", "web-s3", "s3-folder", "s3-s3", "folder-s3", "folder-folder")


def run() -> None:
    """Sync the second argument to the third, in this process, and print its peak in MiB."""
    from engine import settings

    from blocks.repository import Repository
    from flows.sync import sync

    source, end = (Repository(storage=settings(text)) for text in sys.argv[2:])
    sync(source, [end])
    sys.stdout.write(f"{peak_mib()}\n")


class Bench:
    """Servers, files, and a process for each figure."""

    def __init__(
        self, place: Path, server: NginxServer, s3: S3Server, environment: dict[str, str]
    ) -> None:
        """Work in `place`."""
        self._place, self._s3, self._environment = place, s3, environment
        self._files, self._web = server.root, server.http.rstrip("/")
        self._serial = 0

    def peak(self, route: str, files: str, memory: int) -> float:
        """Run one sync and return its peak in MiB."""
        source, end = route.split("-")
        self._serial += 1
        environment = {
            **self._environment,
            "ENTREPOT_MEMORY": str(memory * MIB),
            "ENTREPOT_CATALOG": str(self._place / f"catalog{self._serial}" / "catalog.duckdb"),
        }
        command = [sys.executable, __file__, "--run", self._source(source, files), self._end(end)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        shutil.rmtree(self._place / f"out{self._serial}", ignore_errors=True)
        return float(done.stdout.split()[-1])

    def _source(self, kind: str, files: str) -> str:
        places = {
            "web": f"{self._web}/{files}/",
            "folder": str(self._files / files),
            "s3": f"s3+{self._s3.endpoint}/{self._s3.bucket}/{files}",
        }
        return places[kind]

    def _end(self, kind: str) -> str:
        if kind == "folder":
            return str(self._place / f"out{self._serial}")
        return f"s3+{self._s3.endpoint}/{self._s3.bucket}/out{self._serial}"

    def fill_bucket(self) -> None:
        """Put the files where the routes from S3 begin."""
        from engine import settings

        from catalog.model.digest import Hasher
        from providers.base import Attributes, OpenOptions

        os.environ.update(S3_KEY=self._s3.access_key, S3_SECRET=self._s3.secret_key)
        for files in SETS:
            storage = settings(self._source("s3", files)).open(OpenOptions())
            for path in sorted((self._files / files).iterdir()):
                writer = storage.write(path.name, Attributes(), size=path.stat().st_size)
                hasher = Hasher()
                with path.open("rb") as file:
                    while chunk := file.read(MIB):
                        hasher.update(chunk)
                        writer.write(chunk)
                writer.commit(hasher.digest())
            storage.close()


def make_files(root: Path) -> None:
    """Make the files of every set: random bytes, no two alike."""
    block = random.randbytes(MIB)
    for files, (count, size) in SETS.items():
        (root / files).mkdir(parents=True)
        for number in range(count):
            with (root / files / f"f{number:03}.bin").open("wb") as file:
                for start in range(0, size, MIB):
                    head = f"{files}{number}-{start}".encode()
                    file.write((head + block[len(head) :])[: size - start])


def main() -> None:
    """Measure what was asked for and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", nargs="*", type=int, default=[32, 256], help="MiB")
    parser.add_argument("--files", nargs="*", default=["one", "many", "small"])
    parser.add_argument("--routes", nargs="*", default=list(ROUTES))
    chosen = parser.parse_args()
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="entrepot-bench-")
        place = Path(stack.enter_context(made))
        for name in ("nginx", "s3"):
            (place / name).mkdir()
        server = stack.enter_context(nginx(place / "nginx"))
        make_files(server.root)
        s3 = stack.enter_context(seaweedfs(place / "s3"))
        environment = {
            **os.environ,
            "S3_KEY": s3.access_key,
            "S3_SECRET": s3.secret_key,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }
        environment["PREFECT_API_URL"] = stack.enter_context(prefect_server(place, environment))
        bench = Bench(place, server, s3, environment)
        if any(route.startswith("s3") for route in chosen.routes):
            bench.fill_bucket()
        for route in chosen.routes:
            base = bench.peak(route, "none", min(chosen.memory))
            for files in chosen.files:
                for memory in chosen.memory:
                    cost = bench.peak(route, files, memory) - base
                    sys.stdout.write(
                        f"{route:14} {files:6} ENTREPOT_MEMORY {memory:4} MiB: base {base:4.0f}, "
                        f"files {cost:4.0f} MiB, {cost / memory:5.2f}x\n"
                    )
                    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run()
    else:
        main()
