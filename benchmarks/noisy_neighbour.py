"""How long quiet tenants wait beside a hostile one, and readers beside orders over many versions.

    python benchmarks/noisy_neighbour.py                 everything
    python benchmarks/noisy_neighbour.py --seconds 20 worst pages
                                                    some of: alone worst pages mixed orders

A gateway is a process of its own, the hostile clients another, the quiet ones this. Each quiet
client asks for one thing after another: a list, the metadata, the bytes, an upload. Figures are
milliseconds of one request; the machine's load is told with them, for all share its cores and its
disk: each upload waits for it several times. `--folder /dev/shm` leaves the disk out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from catalog.catalog import Catalog
from catalog.model.resource_version import ResourceVersion
from catalog.settings import Settings
from tests.servers.process import free_ports, listens, running

HOSTILE, QUIET = "acme", ("beta", "gamma")
MANY = 10_000
ROWS = 50_000  # of the hostile tenant, that a question of its own goes through
DEEP = "sha256(" * 110 + "sha256" + ")" * 110 + " = 'x'"  # some seconds on as many rows
SLOW = " or ".join(f"regexp_matches(path, '(a|b|ab)*{n}$')" for n in range(40))
QUESTIONS: dict[str, tuple[dict[str, str], ...]] = {
    "worst": (
        {"where": DEEP, "every_version": "true"},
        {"where": SLOW, "every_version": "true"},
        {"where": DEEP, "every_version": "true", "order": "-size"},
    ),
    "pages": (
        {"every_version": "true", "limit": "10000"},
        {"every_version": "true", "limit": "10000", "order": "-timestamp"},
    ),
}
QUESTIONS["mixed"] = QUESTIONS["worst"] + QUESTIONS["pages"]
CLIENTS = 10


@dataclass
class Waits:
    """How long requests took, in seconds, by what was asked."""

    every: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: Counter[int] = field(default_factory=Counter)

    def add(self, what: str, began: float, reply: httpx.Response) -> None:
        """Count one request."""
        self.every[what].append(time.monotonic() - began)
        if not reply.is_success:
            self.refused[reply.status_code] += 1

    def told(self, title: str) -> None:
        """Print p50, p99 and the worst of each."""
        load = os.getloadavg()[0]
        refused = f", refused {dict(self.refused)}" if self.refused else ""
        print(f"\n{title} (load {load:.1f}{refused})")
        for what, times in sorted(self.every.items()):
            ordered = sorted(times)
            figures = statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1]
            shown = "".join(f"{name} {one * 1e3:8.1f}  " for name, one in zip(NAMES, figures))  # noqa: B905
            print(f"  {what:10} {len(ordered):6} requests   {shown}")


NAMES = ("p50", "p99", "worst")


@contextmanager
def gateway(place: Path) -> Generator[str]:
    """Run a gateway of three tenants, one with many rows, in a process of its own."""
    (port,) = free_ports(1)
    config = place / "gateway.yaml"
    tenants = ", ".join(f"{name}: {{repositories: {{}}}}" for name in (HOSTILE, *QUIET))
    config.write_text(f"tenants: {{{tenants}}}\n")
    command = [Path(sys.executable).parent / "python", "-m", "cli", "gateway", "--config", config]
    command += ["--port", str(port), "--log-level", "error"]
    environment = {
        "ENTREPOT_CATALOG": str(place / "catalog.duckdb"),
        "PREFECT_HOME": str(place / "prefect"),
        "PYTHONPATH": str(ROOT),
    }
    fill(place, "rows", ROWS)
    ready = lambda: listens(port)  # noqa: E731
    with running(command, ready, log=place / "gateway.log", environment=environment):
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=120) as client:
            for tenant in QUIET:
                for number in range(20):
                    put = f"/v1/{tenant}/resources/upload/f{number}"
                    client.put(put, content=b"x" * 1000).raise_for_status()
        yield url


def fill(place: Path, name: str, count: int) -> None:
    """Give a name of the hostile tenant many versions, whose bytes nobody will ask for."""
    catalog = Catalog.open(Settings(catalog=place / "catalog.duckdb", tenant=HOSTILE))
    address = f"file://{place}/catalog.duckdb.d/resources/{HOSTILE}"
    for first in range(0, count, MANY):
        catalog.resources.change(
            [
                ResourceVersion(
                    *(name, number, datetime.now(UTC), 3, f"{number:064x}", "text/plain", "local"),
                    url=f"{address}/{number}/{name}",
                    address=address,
                    path=f"{number}/{name}",
                )
                for number in range(first, min(first + MANY, count))
            ],
            places={address: f"{address}/.by-number"},
        )


def quiet(url: str, tenant: str, over: threading.Event, waits: Waits) -> None:
    """Ask for one thing after another until it is over."""
    with httpx.Client(base_url=f"{url}/v1/{tenant}/resources", timeout=120) as client:
        place = 0
        while not over.is_set():
            place += 1
            name = f"f{place % 20}"
            for what, method, path in (
                ("list", "GET", "list"),
                ("metadata", "GET", f"metadata/{name}"),
                ("download", "GET", f"download/{name}"),
                ("upload", "PUT", f"upload/new/{place % 50}"),
            ):
                began = time.monotonic()
                content = b"x" * 1000 if method == "PUT" else None
                waits.add(what, began, client.request(method, path, content=content))


def asked_by(url: str, seconds: float) -> Waits:
    """Let the quiet tenants ask for some seconds."""
    waits, over = Waits(), threading.Event()
    threads = [threading.Thread(target=quiet, args=(url, one, over, waits)) for one in QUIET]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return waits


def hostile(url: str, kind: str) -> None:
    """Ask for the worst with ten clients, of which three leave early, until somebody ends this."""

    def asks(place: int) -> None:
        leaves = place % 3 == 2
        questions = QUESTIONS[kind]
        while True:
            place += 1
            with (
                httpx.Client(base_url=url, timeout=0.3 if leaves else 120) as client,
                suppress(httpx.HTTPError),
            ):
                params = questions[place % len(questions)]
                client.get(f"/v1/{HOSTILE}/resources/list", params=params)

    for place in range(CLIENTS):
        threading.Thread(target=asks, args=(place,), daemon=True).start()
    threading.Event().wait()


@contextmanager
def attacked(url: str, kind: str) -> Generator[None]:
    """Let the hostile tenant ask while the block lasts."""
    command = [sys.executable, __file__, "--hostile", url, kind]
    process = subprocess.Popen(command)
    time.sleep(3)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def orders(url: str, place: Path) -> None:
    """Give orders over ten thousand versions, and print how long each and its readers took."""
    fill(place, "n", MANY)
    with httpx.Client(base_url=f"{url}/v1/{HOSTILE}/resources", timeout=120) as client:
        for verb, path in (
            ("POST", "copy/n?to=m"),
            ("POST", "move/n?to=k"),
            ("DELETE", "delete/m"),
            ("DELETE", "delete/k"),
        ):
            waits, over = Waits(), threading.Event()
            readers = [threading.Thread(target=reads, args=(url, t, over, waits)) for t in QUIET]
            for thread in readers:
                thread.start()
            time.sleep(0.5)
            began = time.monotonic()
            reply = client.request(verb, path)
            took_s = time.monotonic() - began
            over.set()
            for thread in readers:
                thread.join()
            reply.raise_for_status()
            waits.told(f"{verb} {path}: {took_s:.2f} s for {MANY} versions; readers meanwhile")


def reads(url: str, tenant: str, over: threading.Event, waits: Waits) -> None:
    """Read one thing after another until it is over."""
    with httpx.Client(base_url=f"{url}/v1/{tenant}/resources", timeout=120) as client:
        while not over.is_set():
            for what in ("list", "metadata/f1", "download/f1"):
                began = time.monotonic()
                waits.add(what.partition("/")[0], began, client.get(what))


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--folder", help="where the catalog lies meanwhile; on a disk by default")
    parser.add_argument("--hostile", default="")
    given = parser.parse_args()
    if given.hostile:
        hostile(given.hostile, given.parts[0])
        return
    parts = given.parts or ["alone", "worst", "pages", "mixed", "orders"]
    with tempfile.TemporaryDirectory(prefix="neighbours-", dir=given.folder) as folder:
        place = Path(folder)
        with gateway(place) as url:
            for part in parts:
                if part == "alone":
                    asked_by(url, given.seconds).told("quiet tenants alone")
                elif part == "orders":
                    orders(url, place)
                else:
                    with attacked(url, part):
                        waits = asked_by(url, given.seconds)
                    waits.told(f"quiet tenants beside ten clients of one that asks {part!r}")


if __name__ == "__main__":
    main()
