"""The command line carries out verbs: what it prints, how it ends, and how it is stopped.

All of it with Prefect, and directly in a process that cannot import Prefect.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.digest import Digest
from cli.terminal.exit_codes import ExitCode
from tests.flows.sync.test_sync import files
from tests.flows.without_prefect import without_prefect
from tests.servers.faulty import FaultyServer, stall

ROOT = Path(__file__).parents[3]
PROGRESS = re.compile(r"\d+ of \d+ files, .* failed(, .* left)?|[\d,]+ files listed so far")
"""What a run that takes longer than five seconds, as on a busy machine, says of its progress."""


@pytest.fixture(autouse=True, params=["with Prefect", "directly"])
def mode(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let commands use the tests' Prefect server, or run directly."""
    if request.param == "directly":
        monkeypatch.setattr(sys.modules[__name__], "environment", lambda: without_prefect(tmp_path))
    return str(request.param)


def environment() -> dict[str, str]:
    """Return the tests' environment, with their Prefect server."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imports Prefect

    return {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}


def entrepot(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, words)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def served(server: FaultyServer, held: dict[str, bytes]) -> str:
    """Serve files and the manifest that lists them; return its URL."""
    server.files |= {f"/{name}": data for name, data in held.items()}
    lines = [f"{name},{Digest.of(data).value},{len(data)}" for name, data in held.items()]
    server.files["/PULP_MANIFEST"] = "\n".join(lines).encode()
    return f"{server.url}/PULP_MANIFEST"


def under_way(run: subprocess.Popen[str], server: FaultyServer) -> None:
    """Wait until a command has begun to read from a server."""
    deadline = time.monotonic() + 240
    while not sum(server.requests.values()) > 8:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline, "it never began to read"
        time.sleep(0.01)


def test_sync_prints_its_table_and_no_log(source: Path, tmp_path: Path, mode: str) -> None:
    done = entrepot("sync", source, tmp_path / "one", tmp_path / "two")
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    assert "6 added, 0 replaced, 0 removed" in done.stdout
    assert [line for line in done.stderr.splitlines() if not PROGRESS.fullmatch(line)] == []
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(source)
    again = entrepot("sync", source, tmp_path / "one", "--verbose")
    assert "nothing to do" in again.stdout
    said = "Finished in state Completed" if mode == "with Prefect" else "runs without Prefect"
    assert said in again.stderr


def test_options_reach_the_flow_as_in_a_notebook(source: Path, tmp_path: Path) -> None:
    end = tmp_path / "end"
    (source / "gone").write_text("soon")
    assert entrepot("sync", source, end).returncode == ExitCode.SUCCESS
    (source / "gone").unlink()
    (source / "new.log").write_text("left out")
    words = ("--mode", "mirror", "--exclude", "*.log", "--selection.max-size", "1 MiB", "--json")
    done = entrepot("sync", source, end, *words)
    told = json.loads(done.stdout)
    (row,) = told["destinations"]
    assert (row["removed"], row["added"], row["kept"]) == (1, 0, 3)
    assert "gone" not in files(end)


def test_a_failed_file_ends_with_one_and_is_named(source: Path, tmp_path: Path) -> None:
    (source / "SHA256SUMS").write_text(f"{'0' * 64}  a.txt\n")
    done = entrepot("sync", source / "SHA256SUMS", tmp_path / "end", "--json")
    assert done.returncode == ExitCode.FAILED, done.stderr
    told = json.loads(done.stdout)
    assert told["error"]["kind"] == "SyncFailed"
    assert [one["path"] for one in told["result"]["failures"]] == ["a.txt"]
    text = entrepot("sync", source / "SHA256SUMS", tmp_path / "end")
    assert text.returncode == ExitCode.FAILED
    assert text.stdout == ""
    assert "a.txt" in text.stderr
    assert "Traceback" not in text.stderr


def test_a_plan_that_crosses_a_guard_is_refused(source: Path, tmp_path: Path) -> None:
    end = tmp_path / "end"
    done = entrepot("sync", source, end, "--guards.bytes", "10")
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert "10" in done.stderr
    assert not end.exists() or not files(end)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sync", "no-such-block", "/proc/none"), ExitCode.USAGE),
        (("apply", "no-such-plan"), ExitCode.USAGE),
        (("sync", "https://user:hunter2@127.0.0.1/", "/proc/none"), ExitCode.USAGE),
        (("sync", "/no/such/folder", "/proc/none"), ExitCode.UNREACHABLE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_goes_wrong_is_one_line_and_a_code(words: tuple[str, ...], code: ExitCode) -> None:
    done = entrepot(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("entrepot: ")
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_a_server_that_is_not_there_is_told(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    if mode == "directly":
        pytest.skip("no server is asked")
    monkeypatch.setattr(sys.modules[__name__], "environment", lambda: {
        **os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"
    })  # fmt: skip
    done = entrepot("sync", source, tmp_path / "end")
    assert done.returncode == ExitCode.UNREACHABLE, done.stderr
    assert "Prefect" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_stopped_run_leaves_nothing_half_done(
    faulty_server: FaultyServer,
    tmp_path: Path,
    catalog: Catalog,
    sent: signal.Signals,
    code: ExitCode,
) -> None:
    end = tmp_path / "end"
    url = served(faulty_server, {f"f{number:02}": b"x" * 5000 for number in range(60)})
    for number in range(60):
        faulty_server.script(f"/f{number:02}", stall(0.5))
    run = subprocess.Popen(
        [sys.executable, "-m", "cli", "sync", url, str(end)],
        cwd=ROOT,
        env={**environment(), "ENTREPOT_THREADS": "2", "ENTREPOT_BATCH_COUNT": "10"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    under_way(run, faulty_server)
    run.send_signal(sent)
    out, err = run.communicate(timeout=60)
    assert run.returncode == code, err
    assert out == ""
    assert "run the command again to continue" in err
    assert "Traceback" not in err
    assert all(data == b"x" * 5000 for data in files(end).values())
    assert not list((end / ".entrepot").rglob("*-*-*")), "temporary files are left"
    assert catalog.runs.all(1)[0].state == "cancelled"
    faulty_server.unscript()
    assert entrepot("sync", url, end).returncode == ExitCode.SUCCESS
    assert len(files(end)) == 60


def test_on_a_terminal_there_is_a_bar(faulty_server: FaultyServer, tmp_path: Path) -> None:
    url = served(faulty_server, {f"f{number}": b"x" * 100_000 for number in range(8)})
    for number in range(8):
        faulty_server.script(f"/f{number}", stall(0.4))
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "cli", "sync", url, str(tmp_path / "end")],
        cwd=ROOT,
        env={**environment(), "ENTREPOT_THREADS": "1", "TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side closed: Linux says EIO
            break
        if not piece:
            break
        drawn += piece
    os.close(ours)
    assert run.stdout is not None
    assert b"8 added" in run.stdout.read()
    run.stdout.close()
    assert run.wait(120) == ExitCode.SUCCESS
    assert b"of 8 files" in drawn
    assert b"%" in drawn or "━".encode() in drawn
