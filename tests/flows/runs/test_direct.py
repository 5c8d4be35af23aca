"""Verbs without Prefect, in a process that cannot import it."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import grimp
import pytest

from catalog.catalog import Catalog
from cli.command_list import VERBS, BlockUse, Command
from cli.terminal.exit_codes import ExitCode
from orchestration.prefect_settings import read_prefect_settings
from tests.flows.sync.test_sync import files
from tests.flows.without_prefect import without_prefect

ROOT = Path(__file__).parents[3]
SEAMS = ("block", "limit", "report", "run", "task", "verb")


def entrepot(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in an environment without Prefect."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, words)],
        cwd=ROOT,
        env=without_prefect(folder) | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def result(folder: Path, *words: object) -> dict[str, Any]:
    """Run a command that succeeds; return its result."""
    done = entrepot(folder, *words, "--json")
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    "command", [one for one in VERBS if one.blocks is not BlockUse.LISTED], ids=lambda one: one.name
)
def test_no_verb_needs_prefect_to_be_loaded(command: Command, tmp_path: Path) -> None:
    done = entrepot(tmp_path, command.name, "--help")
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    assert "--verbose" in done.stdout


def test_a_history_is_made_and_used_without_prefect(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    end, copy = tmp_path / "end", tmp_path / "copy"
    result(tmp_path, "sync", source, end)
    before = files(end)
    (source / "a.txt").write_text("beta")
    planned = result(tmp_path, "plan", source, end)["plan"]
    result(tmp_path, "apply", planned["plan_id"])
    assert files(end) == files(source)
    result(tmp_path, "restore", end, "--version", "1")
    assert files(end) == before
    result(tmp_path, "verify", end)
    result(tmp_path, "export-tree", end, copy)
    assert files(copy).items() > before.items()
    (end / "a.txt").write_text("spoiled")
    assert entrepot(tmp_path, "verify", end).returncode == ExitCode.FAILED
    result(tmp_path, "repair", end)
    assert files(end) == before
    result(tmp_path, "prune", end)
    result(tmp_path, "pull", source, "--targets", "sub", "--directory", tmp_path / "pulled")
    result(tmp_path, "check-catalog")
    runs = catalog.runs.all(20)
    assert {"sync", "apply", "restore", "verify", "repair"} <= {run.kind for run in runs}
    assert all(run.flow_run_id is None for run in runs)
    assert catalog.versions.latest(f"file://{end}").number == 3


def test_what_waits_for_a_person_is_refused(source: Path, tmp_path: Path) -> None:
    words = ("sync", source, tmp_path / "end", "--guards.bytes", "10", "--approval", "ask")
    done = entrepot(tmp_path, *words)
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert "without a Prefect server" in done.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("sync", "no-such-block", "/proc/none"), "no repository block named 'no-such-block'"),
        (("sync", "/no/such", "/proc/none"), "'/no/such' does not exist"),
        (("sync", "/proc", "/proc/none", "--mode", "mirrored"), "mirrored"),
        (("sync", "/proc", "/proc/none", "--webhook", "no-such"), "webhook block named 'no-such'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_one_line(tmp_path: Path, words: tuple[str, ...], found: str) -> None:
    done = entrepot(tmp_path, *words)
    assert done.returncode != ExitCode.SUCCESS
    assert found in done.stderr
    assert "Traceback" not in done.stderr


def test_what_may_be_a_stored_block_is_not_guessed(tmp_path: Path, source: Path) -> None:
    (tmp_path / "prefect-home").mkdir()
    (tmp_path / "prefect-home" / "prefect.db").write_bytes(b"not a database, but who knows")
    done = entrepot(tmp_path, "sync", source, "archive", ENTREPOT_PREFECT="never")
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert "'archive' can only be read with Prefect" in done.stderr


def test_a_verb_about_stored_repositories_says_that_it_needs_prefect(tmp_path: Path) -> None:
    done = entrepot(tmp_path, "replicate", tmp_path / "end", ENTREPOT_PREFECT="never")
    assert done.returncode == ExitCode.USAGE
    assert "the list of the stored repositories can only be read with Prefect" in done.stderr


@pytest.mark.parametrize("seam", SEAMS)
def test_both_modes_give_the_same_names(seam: str) -> None:
    tree = ast.parse((ROOT / "orchestration" / f"{seam}.py").read_text())
    (both,) = (node for node in tree.body if isinstance(node, ast.If))
    names = [
        [alias.name for one in side if isinstance(one, ast.ImportFrom) for alias in one.names]
        for side in (both.body, both.orelse)
    ]
    assert names[0] == names[1]
    ours = import_module(f"orchestration.with_prefect.{seam}")
    theirs = import_module(f"orchestration.without_prefect.{seam}")
    for name in names[0]:
        one, other = getattr(ours, name), getattr(theirs, name)
        if inspect.isfunction(other) and name != "run_logger":
            assert [*inspect.signature(one).parameters] == [*inspect.signature(other).parameters]


def test_the_list_of_commands_says_which_verbs_read_stored_repositories() -> None:
    graph = grimp.build_graph("flows", "tasks", "blocks", cache_dir=None)
    for command in VERBS:
        uses = graph.find_upstream_modules(command.place.partition(":")[0])
        searched = "blocks.readable_repositories" in uses
        listed = "blocks.stored_repositories" in uses and not (
            command.blocks is not BlockUse.LISTED and searched
        )
        expected = BlockUse.LISTED if listed else BlockUse.SEARCHED if searched else BlockUse.NAMED
        assert command.blocks is expected, command.name


@pytest.mark.parametrize(
    ("file", "content", "server"),
    [
        ("home/profiles.toml", 'active="a"\n[profiles.a]\nPREFECT_API_URL="http://x/api"', True),
        ("home/profiles.toml", 'active="b"\n[profiles.a]\nPREFECT_API_URL="http://x/api"', False),
        ("home/profiles.toml", "active = ", True),
        ("prefect.toml", '[api]\nurl = "http://x/api"', True),
        ("pyproject.toml", '[tool.prefect.api]\nurl = "http://x/api"', True),
        ("pyproject.toml", '[project]\nname = "x"', False),
        (".env", "export PREFECT_API_URL=http://x/api", True),
        (".env", "# PREFECT_API_URL=http://x/api", False),
    ],
)
def test_a_server_is_found_where_prefect_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: str, *, server: bool
) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)
    assert read_prefect_settings().server is server
