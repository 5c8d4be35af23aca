"""Questions on the command line: what they print, as text and as JSON, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from catalog.catalog import Catalog
from catalog.errors import (
    CatalogBroken,
    CatalogError,
    GuardCrossed,
    InvalidInput,
    NotRecorded,
    PlanOutdated,
    StorageFull,
)
from catalog.model.run import Run
from cli.app import app
from cli.terminal.exit_codes import ExitCode, exit_of
from tests.catalog.catalog_steps import SOURCE, THERE, CatalogSteps, file
from tests.cli.test_command_list import WITHOUT_PREFECT

ROOT = Path(__file__).parents[2]
Asked = Callable[..., tuple[int, str, str]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogSteps:
    """Return a catalog with two versions, which the command line finds by its setting."""
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog.duckdb"))
    desk = CatalogSteps(Catalog.open())
    for run_id, names in (("first", "ab"), ("second", "bc")):
        desk.catalog.runs.start(Run(run_id, "sync", source=SOURCE, destinations=(THERE,)))
        plan = desk.plan([file(f"{name}.txt", etag=f"{name} {run_id}") for name in names], THERE)
        desk.carry_out(plan, run_id)
        desk.catalog.versions.record(run_id, plan.plan_id)
        desk.catalog.runs.end(run_id, "completed", "done", plan_id=plan.plan_id)
    return desk


@pytest.fixture
def asked(desk: CatalogSteps, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Return what runs a command here and gives its exit code, stdout and stderr."""
    del desk

    def ask(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            app()(list(words))
        printed = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, printed.out, printed.err

    return ask


def test_ls_lists_repositories_and_then_what_one_holds(asked: Asked) -> None:
    code, out, _ = asked("ls")
    assert code == ExitCode.SUCCESS
    assert f"  {THERE}        2      3" in out
    _, out, _ = asked("ls", THERE)
    assert [line.split()[-1] for line in out.splitlines()] == ["a.txt", "b.txt", "c.txt"]
    _, out, _ = asked("ls", THERE, "[ab]*", "--version", "1")
    assert [line.split()[-1] for line in out.splitlines()] == ["a.txt", "b.txt"]


def test_ls_as_json_has_whole_digests(asked: Asked) -> None:
    rows = json.loads(asked("ls", THERE, "--json")[1])
    assert [row["path"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert {len(row["digest"]) for row in rows} == {64}
    assert json.loads(asked("ls", THERE, "nothing", "--json")[1]) == []


def test_versions_and_diff(asked: Asked) -> None:
    rows = json.loads(asked("versions", THERE, "--json")[1])
    assert [(row["version"], row["added"], row["replaced"]) for row in rows] == [
        (0, 0, 0),
        (1, 2, 0),
        (2, 1, 1),
    ]
    assert asked("diff", THERE)[1] == "~ b.txt\n+ c.txt\n"
    assert asked("diff", THERE, "0", "1")[1] == "+ a.txt\n+ b.txt\n"
    assert asked("diff", THERE, "2", "1")[1] == "~ b.txt\n- c.txt\n"


def test_runs_lists_them_and_tells_of_one_what_failed(asked: Asked, desk: CatalogSteps) -> None:
    desk.catalog.runs.start(Run("third", "sync", source=SOURCE, destinations=(THERE,)))
    plan = desk.plan([file("d.txt"), file("e.txt")], THERE)
    desk.carry_out(plan, "third", "e.txt")
    desk.catalog.runs.end("third", "failed", "one failed", plan_id=plan.plan_id)
    listed = json.loads(asked("runs", "--json", "-n", "2")[1])
    assert [(row["run"], row["state"]) for row in listed] == [
        ("third", "failed"),
        ("second", "completed"),
    ]
    _, out, _ = asked("runs", "third")
    assert "e.txt" in out
    assert "access-denied" in out
    assert "1 added" in out
    assert "1 failed" in out


def test_show_plan_and_explain_give_reasons(asked: Asked, desk: CatalogSteps) -> None:
    plan = desk.plan([file("c.txt", etag="c new")], THERE)
    _, out, _ = asked("show-plan", plan.plan_id)
    assert "source etag changed" in out
    assert "1 to replace" in out
    _, out, _ = asked("explain", "second", "b.txt")
    assert out.startswith(f"'b.txt' was replaced at {THERE}")


def test_sql_asks_and_cannot_write(asked: Asked) -> None:
    rows = json.loads(
        asked("sql", "SELECT kind, count(*) AS n FROM runs GROUP BY kind", "--json")[1]
    )
    assert rows == [{"kind": "sync", "n": 2}]
    code, out, err = asked("sql", "DELETE FROM runs")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "cannot be run" in err
    code, _, err = asked("sql", "SELEC 1")
    assert code == ExitCode.USAGE
    assert "SELEC" in err


@pytest.mark.parametrize(
    "words",
    [
        ("ls", "/never/seen"),
        ("ls", THERE, "--version", "9"),
        ("ls", THERE, "--version", "1", "--at", "2026-01-01"),
        ("diff", THERE, "--new", "0"),
        ("runs", "none"),
        ("show-plan", "none"),
        ("explain", "none", "a"),
        ("versions", "https://user:secret@host/"),
        ("versions",),
        ("no-such-command",),
        ("ls", "--no-such-option"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_answered_is_wrong_use(asked: Asked, words: tuple[str, ...]) -> None:
    code, out, err = asked(*words)
    assert code == ExitCode.USAGE
    assert out == ""
    assert err
    assert "secret" not in err.replace(" ", "")
    assert "Traceback" not in err


def test_an_error_as_json_names_its_kind(asked: Asked) -> None:
    code, out, err = asked("runs", "none", "--json")
    assert code == ExitCode.USAGE
    told: dict[str, Any] = json.loads(out)
    assert told["error"]["kind"] == "NotRecorded"
    assert "'none'" in told["error"]["message"]
    assert err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("x"), ExitCode.USAGE),
        (NotRecorded("run", "x"), ExitCode.USAGE),
        (GuardCrossed("p", "x", ()), ExitCode.REFUSED),
        (PlanOutdated("p", "x", ()), ExitCode.REFUSED),
        (StorageFull("x", path="x"), ExitCode.UNREACHABLE),
        (CatalogBroken("x"), ExitCode.UNREACHABLE),
        (CatalogError("x"), ExitCode.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_the_exit_code_says_what_kind_of_error_it_was(error: Exception, code: ExitCode) -> None:
    assert exit_of(error) is code


def test_a_question_loads_no_prefect(desk: CatalogSteps) -> None:
    del desk
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PREFECT.format(words=["entrepot", "ls", THERE])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 3
    assert done.stderr == "loaded: False\n"


def test_a_reader_that_goes_away_is_no_error(desk: CatalogSteps) -> None:
    many = [file(f"{uuid4().hex}/{number:05}") for number in range(20_000)]
    desk.catalog.versions.record_listing("file:///many", desk.listing(many), run_id="many")
    entrepot = subprocess.Popen(
        [sys.executable, "-m", "cli", "ls", "file:///many"],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert entrepot.stdout is not None
    assert entrepot.stderr is not None
    entrepot.stdout.readline()
    entrepot.stdout.close()
    assert entrepot.stderr.read() == b""
    entrepot.stderr.close()
    assert entrepot.wait(120) == ExitCode.SUCCESS


def test_versions_are_labelled_and_protected(asked: Asked, desk: CatalogSteps) -> None:
    assert json.loads(asked("label", THERE, "1", "stage=gold", "by=me", "--json")[1]) == [
        {"version": 1, "labels": ["by=me", "stage=gold"], "protected": []}
    ]
    code, out, _ = asked("label", THERE, "1", "by=")
    assert code == 0
    assert "stage=gold" in out
    assert "by=me" not in out
    assert "stage=gold" in asked("label", THERE, "1")[1]
    assert asked("protect", THERE, "1", "audit")[0] == 0
    assert desk.catalog.versions.get(THERE, 1).protected == ("audit",)
    code, _, error = asked("protect", THERE, "1", "other", "--off")
    assert (code, "for the reason 'other'; its reasons: 'audit'" in error) == (2, True)
    assert asked("protect", THERE, "1", "audit", "--off")[0] == 0
    assert desk.catalog.versions.get(THERE, 1).protected == ()


def test_a_label_that_is_none_is_refused(asked: Asked) -> None:
    code, _, error = asked("label", THERE, "1", "gold")
    assert code == 2
    assert "'gold': expected key=value" in error
    assert asked("label", THERE, "99", "a=b")[0] == 2
