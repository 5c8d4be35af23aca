"""The gateway beside nginx, the floor: CPU a GET, bytes a second, memory, and long lists.

    python benchmarks/gateway.py                    everything, three rounds
    python benchmarks/gateway.py --rounds 5 small   one of: small medium first large slow list

Both servers serve the same folder on 127.0.0.1 and are asked in turn. CPU is that of the server's
processes, user and system; the client (wrk, of Debian's package of that name) is not counted.
Pulp's content app took 52.8 ms of CPU for a stored file of 10 KiB, 2.9 ms with its Redis cache and
nearly all hits, 58.5 ms for a first GET on demand (measured here, on another day).
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from catalog.catalog import Catalog
from catalog.settings import Settings
from providers.base import OpenOptions
from providers.local.settings import LocalSettings
from tests.servers.nginx import NginxServer, nginx
from tests.servers.process import free_ports, listens, running

TENANT = "bench"
FILES = 1000
SECONDS = 6
WIDTH = 34


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: where it serves the folder, and its main process."""

    name: str
    url: str
    pid: int

    def cpu_s(self) -> float:
        """Return the CPU that its processes took so far."""
        main = psutil.Process(self.pid)
        every = [main, *main.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in every)

    def rss_mib(self) -> float:
        """Return the highest memory that its main process ever had."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


@contextmanager
def gateway(place: Path, repositories: str) -> Generator[Server]:
    """Run the gateway in a process of its own."""
    (port,) = free_ports(1)
    config = place / "gateway.yaml"
    config.write_text(f"tenants: {{{TENANT}: {{repositories: {{{repositories}}}}}}}\n")
    command = [Path(sys.executable).parent / "entrepot", "gateway", "--config", config]
    command += ["--port", str(port), "--log-level", "warn"]
    environment = {
        "ENTREPOT_CATALOG": str(place / "catalog.duckdb"),
        "PREFECT_HOME": str(place / "prefect"),
    }
    ready = lambda: listens(port)  # noqa: E731
    with running(command, ready, log=place / "gateway.log", environment=environment) as process:
        yield Server("gateway", f"http://127.0.0.1:{port}", process.pid)


def catalogued(place: Path, folder: Path) -> None:
    """Let the catalog know a folder, as a sync from it would."""
    catalog = Catalog.open(Settings(catalog=place / "catalog.duckdb", tenant=TENANT))
    settings = LocalSettings(path=str(folder))
    storage, spool = settings.open(OpenOptions()), catalog.spool()
    with spool:
        for one in storage.enumerate():
            spool.add(one)
        listing = spool.finish()
    catalog.versions.record_listing(settings.address(), listing)


def filled(folder: Path, count: int, size: int) -> list[str]:
    """Make files of random bytes, and return their names."""
    folder.mkdir(parents=True)
    names = [f"f{number:05}.bin" for number in range(count)]
    for name in names:
        (folder / name).write_bytes(os.urandom(size))
    return names


def load(server: Server, paths: list[str], place: Path) -> tuple[float, float]:
    """Ask for random paths with 16 connections; return GETs a second, and CPU ms of each."""
    script = place / "wrk.lua"
    listed = ",".join(f'"{path}"' for path in paths)
    script.write_text(
        f"local p = {{{listed}}}\nmath.randomseed(os.time())\n"
        "request = function() return wrk.format('GET', p[math.random(#p)]) end\n"
    )
    before = server.cpu_s()
    command = ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "-s", str(script), server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cpu = server.cpu_s() - before
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    return rate, cpu / count * 1000


def stored(place: Path, size: int, rounds: int, what: str) -> None:
    """Compare GETs of stored files."""
    (place / "web").mkdir()
    with nginx(place / "web") as floor:
        folder = floor.root / "files"
        names = filled(folder, FILES if size < 2**20 else 200, size)
        catalogued(place, folder)
        compared(place, rounds, what, floor, names)


def compared(place: Path, rounds: int, what: str, floor: NginxServer, names: list[str]) -> None:
    """Ask both servers in turn, and print medians."""
    figures: dict[str, list[tuple[float, float]]] = {"gateway": [], "nginx": []}
    with gateway(place, f"files: {floor.root}/files/") as ours:
        peer = Server("nginx", floor.http, _pid_of(place / "web" / "nginx.pid"))
        ways = {
            ours: [f"/content/{TENANT}/files/{name}" for name in names],
            peer: [f"/files/{name}" for name in names],
        }
        for _ in range(rounds):
            for server, paths in ways.items():
                figures[server.name].append(load(server, paths, place))
        memory = ours.rss_mib()
    for name, each in figures.items():
        rate, cpu = (statistics.median(one) for one in zip(*each, strict=True))
        print(f"{what + ', ' + name:{WIDTH}} {rate:9.0f} GET/s {cpu:8.3f} ms CPU a GET")
    print(f"{'':{WIDTH}} peak memory of the gateway {memory:.0f} MiB")


def _pid_of(file: Path) -> int:
    return int(file.read_text())


def first(place: Path, rounds: int) -> None:
    """Measure first GETs on demand, from nginx, one after the other; then the same files again."""
    from flows.sync import sync

    for turn in range(rounds):
        home = place / f"round{turn}"
        (home / "web").mkdir(parents=True)
        os.environ |= {
            "ENTREPOT_CATALOG": str(home / "catalog.duckdb"),
            "ENTREPOT_TENANT": TENANT,
        }
        with nginx(home / "web") as floor:
            names = filled(floor.root / "files", 200, 10 * 1024)
            sync(f"{floor.http}/files/", [str(home / "shelf")], policy="on_demand")
            with gateway(home, f"shelf: {home}/shelf/") as ours:
                for what in ("first", "again"):
                    before, start = ours.cpu_s(), time.perf_counter()
                    with httpx.Client(base_url=ours.url) as client:
                        for name in names:
                            client.get(f"/content/{TENANT}/shelf/{name}").raise_for_status()
                    spent = (time.perf_counter() - start) / len(names) * 1000
                    cpu = (ours.cpu_s() - before) / len(names) * 1000
                    print(f"{'on demand, ' + what:{WIDTH}} {spent:9.1f} ms {cpu:8.2f} ms CPU a GET")
                    time.sleep(3)  # until all is kept


def large(place: Path, rounds: int, gib: float) -> None:
    """Upload and download one large file."""
    file = place / "large"
    block = os.urandom(2**20)
    count = int(gib * 1024)
    with file.open("wb") as out:
        for _ in range(count):
            out.write(block)
    web = place / "web"
    web.mkdir()
    with nginx(web) as floor, gateway(place, "") as ours:
        (floor.root / "large").symlink_to(file)
        for _ in range(rounds):
            for what, server, url in (
                ("upload, gateway", ours, f"/v1/{TENANT}/resources/upload/large"),
                ("download, gateway", ours, f"/v1/{TENANT}/resources/download/large"),
                ("download, nginx", None, f"{floor.http}/large"),
            ):
                before = server.cpu_s() if server else 0.0
                start = time.perf_counter()
                if what.startswith("upload"):
                    _upload(ours.url, url, file)
                else:
                    _download(url if server is None else ours.url + url)
                spent = time.perf_counter() - start
                cpu = f"{(server.cpu_s() - before) / gib:6.2f} s CPU a GiB" if server else ""
                print(f"{what:{WIDTH}} {count / spent:9.0f} MiB/s {cpu}")
        print(f"{'':{WIDTH}} peak memory of the gateway {ours.rss_mib():.0f} MiB")


def _upload(base: str, url: str, file: Path) -> None:
    host, _, port = base.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=600)
    with file.open("rb") as body:
        size = str(file.stat().st_size)
        connection.request("PUT", url, body, {"Content-Length": size})
        reply = connection.getresponse()
        if reply.status != 201:
            raise RuntimeError(reply.read())
        reply.read()
    connection.close()


def _download(url: str) -> None:
    with urllib.request.urlopen(url) as reply:
        while reply.read(2**20):
            pass


def slow(place: Path, rounds: int) -> None:
    """Let 500 clients read a large file slowly, and ask for small ones meanwhile."""
    folder = place / "files"
    filled(folder, 20, 10 * 1024)
    (folder / "large").write_bytes(os.urandom(64 * 2**20))
    catalogued(place, folder)
    with gateway(place, f"files: {folder}/") as ours:
        over = threading.Event()
        began = threading.Semaphore(0)

        def dawdle() -> None:
            host, _, port = ours.url.removeprefix("http://").partition(":")
            connection = HTTPConnection(host, int(port), timeout=600)
            connection.request("GET", f"/content/{TENANT}/files/large")
            reply = connection.getresponse()
            reply.read(1000)
            began.release()
            while not over.wait(0.5):
                reply.read(2000)
            connection.close()

        threads = [threading.Thread(target=dawdle, daemon=True) for _ in range(500)]
        for one in threads:
            one.start()
        for _ in threads:
            began.acquire()
        print(f"{'500 slow clients':{WIDTH}} memory {ours.rss_mib():.0f} MiB")
        for _ in range(rounds):
            times: list[float] = []
            with httpx.Client(base_url=ours.url) as client:
                for _ in range(200):
                    start = time.perf_counter()
                    name = f"f{random.randrange(20):05}.bin"
                    client.get(f"/content/{TENANT}/files/{name}").raise_for_status()
                    times.append((time.perf_counter() - start) * 1000)
            middle, worst = statistics.median(times), max(times)
            print(f"{'small GET meanwhile':{WIDTH}} {middle:9.1f} ms median {worst:8.1f} ms worst")
        over.set()


def listed(place: Path, rounds: int, count: int = 1_000_000) -> None:
    """List a million resources, page by page."""
    catalog = Catalog.open(Settings(catalog=place / "catalog.duckdb", tenant=TENANT))
    catalog.resources.next_version("x")  # it is made
    with catalog.file._database.writable() as connection:  # noqa: SLF001 - a million uploads take hours
        connection.execute(
            "INSERT INTO resources SELECT $1, md5($1 || chr(31) || n)::UUID, n, 0, true,"
            " now()::TIMESTAMP, 1000, unhex(sha256(n)), NULL, 'text/plain', 'local',"
            " 'file:///x/0/' || n, NULL, NULL, NULL, 'file:///x', '0/' || n, '{}'"
            " FROM (SELECT 'datasets/' || (i % 1000) || '/file' || i AS n FROM range($2) r(i))"
            " ORDER BY 2",
            [TENANT, count],
        )
    with gateway(place, "") as ours, httpx.Client(base_url=ours.url, timeout=60) as client:
        for size in (1000, 10_000):
            for _ in range(rounds):
                found, cursor, pages = 0, None, 0
                before, start = ours.cpu_s(), time.perf_counter()
                while True:
                    given = {"simplify": "true", "limit": str(size)}
                    given |= {"cursor": cursor} if cursor else {}
                    told = client.get(f"/v1/{TENANT}/resources/list", params=given).json()
                    found, pages, cursor = (
                        found + len(told["metadata"]),
                        pages + 1,
                        told.get("next"),
                    )
                    if cursor is None:
                        break
                spent, cpu = time.perf_counter() - start, ours.cpu_s() - before
                if found != count:
                    raise RuntimeError(f"{found} of {count}")
                what = f"{count} resources by {size}"
                page = spent / pages * 1000
                print(f"{what:{WIDTH}} {spent:9.1f} s {page:8.0f} ms a page, {cpu:.1f} s CPU")
        print(f"{'':{WIDTH}} peak memory of the gateway {ours.rss_mib():.0f} MiB")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = ("small", "medium", "first", "large", "slow", "list")
    parser.add_argument("what", nargs="*", default=every, choices=[*every, []])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gib", type=float, default=10.0)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    for one in given.what or every:
        with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as folder:
            place = Path(folder)
            if one in {"small", "medium"}:
                size = 10 * 1024 if one == "small" else 2**20
                stored(place, size, given.rounds, "10 KiB" if one == "small" else "1 MiB")
            elif one == "large":
                large(place, given.rounds, given.gib)
            else:
                {"first": first, "slow": slow, "list": listed}[one](place, given.rounds)


if __name__ == "__main__":
    main()
