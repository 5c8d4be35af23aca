"""Workflow files are carried out: in one process, or as deployments."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from cli.terminal.exit_codes import ExitCode
from tests.flows.runs.test_command_line import ROOT, environment, served, under_way
from tests.flows.sync.test_sync import files
from tests.flows.without_prefect import without_prefect
from tests.flows.workflows.test_workflow_file import EXAMPLE, workflows
from tests.servers.faulty import FaultyServer, stall
from tests.servers.ftp import READER, FtpServer
from tests.servers.seaweedfs import S3Server
from tests.servers.webhook_receiver import Inbox

if TYPE_CHECKING:
    from cli.setup.report import ChangeKind
    from flows.workflows.file import Workflows

NOOP = """
sources: [{name: s, type: noop}]
destinations: [{name: d, type: noop}]
workflows: [{name: w, source: s, destinations: [d]}]
"""


def test_the_example_of_ingest_does_what_ingest_does(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.workflows.local_runs import sync_once  # noqa: PLC0415 - imports Prefect

    for name in ("source", "destination"):
        s3_server.make_bucket(name)
    source = s3_server.store("source")
    text = EXAMPLE.read_text().replace(
        "endpoint: source.amazon.com", "endpoint: ${ENDPOINT}\n  insecure: true"
    )
    text = text.replace("destination.amazon.com", "$ENDPOINT").replace(
        "http://localhost:8080", "$HOOK"
    )
    text = text.replace(": key", ": $KEY").replace(
        "secretAccessKey: secret", "secretAccessKey: $SECRET"
    )
    monkeypatch.setenv("ENTREPOT_THREADS", "4")
    with Inbox() as inbox:
        variables = {
            "ENDPOINT": s3_server.endpoint.removeprefix("http://"),
            "KEY": s3_server.access_key,
            "SECRET": s3_server.secret_key,
            "HOOK": inbox.url,
        }
        (one,) = workflows(text, variables).workflows
        for path in ("a", "b", "deep/c"):
            obstore.put(source, f"prefix/{path}", path.encode())

        assert sync_once(one).added == 2
        stored = {"prefix1/a", "prefix1/b"}
        marked = {"meta/a.done", "meta/b.done"}
        assert s3_server.keys("destination") == stored | marked
        assert s3_server.keys("source") == {"prefix/deep/c"}
        # batchSize 1: a message for each object
        assert inbox.urls() == [
            "s3://destination/prefix1/a",
            "s3://destination/prefix1/b",
        ]
        assert {len(post.json()) for post in inbox.posts} == {1}

        obstore.delete(s3_server.store("destination"), "prefix1/b")  # somebody took it
        for path in ("a", "b"):  # and the source offers both again, as they were
            obstore.put(source, f"prefix/{path}", path.encode())
        again = sync_once(one)
        assert (again.added, again.replaced) == (0, 0)
        assert s3_server.keys("destination") == {"prefix1/a"} | marked
        assert s3_server.keys("source") == {"prefix/deep/c"}
        assert len(inbox.posts) == 2
        assert not sync_once(one).changed  # an empty source is no failure


def of(folder: Path, *lines: str, ends: int = 2) -> Workflows:
    """Return workflows from `folder/source` to d0, d1 and so on."""
    text = f"sources: [{{name: s, type: local, path: {folder}/source}}]\ndestinations:\n"
    text += "".join(f"- {{name: d{n}, type: local, path: {folder}/d{n}}}\n" for n in range(ends))
    text += "- {name: bad, type: http, url: 'https://127.0.0.1:9/'}\nworkflows:\n"
    return workflows(text + "".join(f"- {{source: s, {line}}}\n" for line in lines))


def test_workflows_of_one_source_get_every_file_and_a_failing_one_stops_none(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli.terminal.output import Output  # noqa: PLC0415
    from cli.workflows.local_runs import run_all  # noqa: PLC0415 - imports Prefect

    found = of(
        tmp_path,
        "name: one, destinations: [d0], interval: 1h",
        "name: two, destinations: [d1], interval: 0",
        "name: three, destinations: [bad], interval: 0",
    )
    ended = run_all(found.workflows, once=True, output=Output(json=True))
    assert ended is ExitCode.FAILED
    assert files(tmp_path / "d0") == files(tmp_path / "d1") == files(source)
    told = {one["workflow"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: one["state"] for name, one in told.items()} == {
        "one": "completed",
        "two": "completed",
        "three": "failed",
    }
    assert "read-only" in told["three"]["message"]


def test_a_round_ends_at_its_interval_and_the_next_goes_on(
    faulty_server: FaultyServer, tmp_path: Path, catalog: Catalog
) -> None:
    from cli.terminal.output import Output  # noqa: PLC0415
    from cli.workflows.local_runs import WorkflowRunner  # noqa: PLC0415 - imports Prefect

    url = served(faulty_server, {"a": b"a" * 100, "b": b"b" * 100})
    faulty_server.script("/a", stall(3.0))
    text = f"sources: [{{name: s, type: repository, repository: '{url}'}}]\n"
    text += f"destinations: [{{name: d, type: local, path: {tmp_path}/end}}]\n"
    text += "workflows: [{name: w, source: s, destinations: [d], interval: 1.5s, concurrency: 1}]"
    (one,) = workflows(text).workflows
    rounds = WorkflowRunner(once=True, output=Output(quiet=True))
    assert rounds.run(one) is False
    assert catalog.runs.all(1)[0].state == "cancelled"
    assert "a" not in files(tmp_path / "end")
    faulty_server.unscript()
    (slow,) = workflows(text.replace("1.5s", "1h")).workflows
    assert rounds.run(slow) is True
    assert set(files(tmp_path / "end")) == {"a", "b"}


@pytest.mark.parametrize(
    "directly",
    [
        pytest.param(False, marks=pytest.mark.prefect, id="with Prefect"),
        pytest.param(True, id="directly"),
    ],
)
def test_sigterm_stops_every_round_and_leaves_nothing_half_written(
    faulty_server: FaultyServer, tmp_path: Path, *, directly: bool
) -> None:
    url = served(faulty_server, {f"f{number:02}": b"x" * 5000 for number in range(20)})
    for number in range(20):
        faulty_server.script(f"/f{number:02}", *[stall(0.5)] * 4)
    file = tmp_path / "two.yaml"
    file.write_text(
        f"sources: [{{name: s, type: repository, repository: '{url}'}}]\n"
        "destinations:\n"
        "- {name: d, type: local, path: $HERE/d}\n"
        "- {name: e, type: local, path: $HERE/e}\n"
        "workflows:\n"
        "- {name: one, source: s, destinations: [d], concurrency: 1}\n"
        "- {name: two, source: s, destinations: [e], concurrency: 1, interval: 0}\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "cli", "workflows", "run", str(file)],
        cwd=ROOT,
        env={**(without_prefect(tmp_path) if directly else environment()), "HERE": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    under_way(run, faulty_server)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert run.returncode == ExitCode.TERMINATED, err
    assert sorted(line.split(" ", 3)[3] for line in out.splitlines()) == [
        "one: stopped: stopped",
        "two: stopped: stopped",
    ]
    assert "Traceback" not in err
    for end in (tmp_path / "d", tmp_path / "e"):
        assert all(data == b"x" * 5000 for data in files(end).values())
        assert not list((end / ".entrepot").rglob("*-*-*")), "temporary files are left"


@pytest.mark.parametrize(
    ("text", "code"), [("", ExitCode.SUCCESS), ("- {name: w}", ExitCode.FAILED)]
)
def test_check_needs_no_server_and_no_catalog(tmp_path: Path, text: str, code: ExitCode) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(EXAMPLE.read_text() + text)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "workflows", "check", str(file)],
        cwd=ROOT,
        env={
            **os.environ,
            "PREFECT_API_URL": "http://127.0.0.1:9/api",
            "ENTREPOT_CATALOG": "/proc/none",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    if code is ExitCode.SUCCESS:
        assert "foo_1-bar_1" in done.stdout
        assert "5 min" in done.stdout
        assert "secret" not in done.stdout
    else:
        assert done.stderr.startswith(f"entrepot: {file}: workflow 'w': there is no source None")


@pytest.fixture
def client() -> Iterator[Any]:
    """Ask the tests' server, where the flow `sync` is deployed."""
    from prefect import get_client  # noqa: PLC0415 - imports Prefect

    from flows.sync import sync  # noqa: PLC0415

    with get_client(sync_client=True) as one:
        flow = one.create_flow(sync)
        one.create_deployment(flow, "sync", entrypoint="flows.sync.sync", tags=["entrepot"])
        yield one


def done(
    client: Any,  # noqa: ANN401 - Prefect's
    found: Workflows,
    *,
    prune: bool = False,
    dry: bool = False,
) -> dict[str, ChangeKind]:
    from cli.workflows.apply_workflows import apply_changes, plan_changes  # noqa: PLC0415 - imports Prefect

    steps = apply_changes(client, plan_changes(client, found, prune=prune), dry=dry)
    return {step.name: step.change for step in steps}


@pytest.mark.prefect
def test_a_file_is_applied_once_and_then_as_it_was(client: Any, tmp_path: Path) -> None:  # noqa: ANN401
    from cli.setup.report import ChangeKind  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    hook = "webhook: {url: 'https://h/hidden', secret: hidden}"
    lines = (
        f"name: one, destinations: [d0, d1], cleanUp: false, exclude: ['*.tmp'], {hook}",
        "name: two, destinations: [d1], interval: 0",
    )
    found = of(tmp_path, *lines)
    things = {
        "repository file-source-s",
        "repository file-destination-d0",
        "repository file-destination-d1",
        "webhook file-webhook-one",
        "deployment one",
        "deployment two",
    }
    assert done(client, found, dry=True) == dict.fromkeys(things, ChangeKind.CREATED)
    assert done(client, found) == dict.fromkeys(things, ChangeKind.CREATED)
    assert done(client, found) == dict.fromkeys(things, ChangeKind.UNCHANGED)
    one = client.read_deployment_by_name("sync/one")
    assert one.parameters == {
        "source": "file-source-s",
        "destinations": ["file-destination-d0", "file-destination-d1"],
        "allow_empty": True,
        "exclude": ["*.tmp"],
        "clean_up": "keep",
        "webhook": "file-webhook-one",
    }
    assert [every.schedule.interval.total_seconds() for every in one.schedules] == [300.0]
    assert one.global_concurrency_limit.limit == 1
    assert one.concurrency_options.collision_strategy == "CANCEL_NEW"
    assert client.read_deployment_by_name("sync/two").schedules == []
    assert "hidden" not in one.model_dump_json()
    assert sync.validate_parameters(one.parameters)["webhook"] == "file-webhook-one"

    fewer = of(tmp_path, lines[0].replace("[d0, d1]", "[d0]"))
    expected = dict.fromkeys(things, ChangeKind.UNCHANGED) | {
        "deployment one": ChangeKind.CHANGED,
        "deployment two": ChangeKind.SKIPPED,
        "repository file-destination-d1": ChangeKind.SKIPPED,
    }
    assert done(client, fewer) == expected
    pruned = {
        name: ChangeKind.REMOVED if did is ChangeKind.SKIPPED else ChangeKind.UNCHANGED
        for name, did in expected.items()
    }
    assert done(client, fewer, prune=True) == pruned
    left = {name for name, did in pruned.items() if did is ChangeKind.UNCHANGED}
    assert done(client, fewer, prune=True) == dict.fromkeys(left, ChangeKind.UNCHANGED)


@pytest.mark.prefect
def test_what_is_of_somebody_else_is_not_taken(client: Any, tmp_path: Path) -> None:  # noqa: ANN401
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="a deployment 'sync/sync' exists"):
        done(client, of(tmp_path, "name: sync, destinations: [d0]"))
    with pytest.raises(InvalidInput, match="'a/b': a deployment's name cannot contain /"):
        done(client, of(tmp_path, "name: a/b, destinations: [d0]"))
    mine = of(tmp_path, "name: mine, destinations: [d3]", ends=4)
    Repository(storage=LocalSettings(path="/other")).save("file-destination-d3")
    with pytest.raises(InvalidInput, match="'file-destination-d3' is stored and does not belong"):
        done(client, mine)
    with pytest.raises(InvalidInput, match="type noop exists only in one process"):
        done(client, workflows(NOOP))


@pytest.mark.prefect
@pytest.mark.usefixtures("client")
def test_diff_tells_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cli.workflows.commands import apply, diff  # noqa: PLC0415

    file = tmp_path / "told.yaml"
    file.write_text(
        f"sources: [{{name: s, type: local, path: {tmp_path}/in}}]\n"
        f"destinations: [{{name: d, type: local, path: {tmp_path}/out}}]\n"
        "workflows: [{name: told, source: s, destinations: [d]}]\n"
    )
    with pytest.raises(SystemExit) as ended:
        diff(file, exit_code=True)
    assert ended.value.code == ExitCode.FAILED
    assert "dry run, nothing was changed: 3 created" in capsys.readouterr().out
    apply(file)
    assert "3 created" in capsys.readouterr().out
    diff(file, exit_code=True)
    assert "dry run, nothing was changed: 3 unchanged" in capsys.readouterr().out


def test_a_type_that_does_nothing_syncs_its_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    from cli.terminal.output import Output  # noqa: PLC0415
    from cli.workflows.local_runs import run_all  # noqa: PLC0415 - imports Prefect

    own = NOOP.replace("name: s", "name: own").replace("source: s", "source: own")
    own = own.replace("name: d", "name: its").replace("[d]", "[its]")  # memory is the process's
    assert run_all(workflows(own).workflows, once=True, output=Output()) is ExitCode.SUCCESS
    assert "w: completed: 1 added" in capsys.readouterr().out


def test_what_arrived_only_here_is_told_and_stays_at_the_source(
    source: Path, tmp_path: Path
) -> None:
    from cli.workflows.local_runs import sync_once  # noqa: PLC0415 - imports Prefect
    from flows.results.sync import SyncFailed  # noqa: PLC0415

    (tmp_path / "d1" / "a.txt").mkdir(parents=True)
    (tmp_path / "d1" / "a.txt" / "full").touch()  # no file can be there
    with Inbox() as inbox:
        found = of(
            tmp_path, f"name: w, destinations: [d0, d1], cleanUp: true, webhook: '{inbox.url}'"
        )
        with pytest.raises(SyncFailed, match=r"'a\.txt' at file://.*/d1: "):
            sync_once(found.workflows[0])
        assert set(files(source)) == {"a.txt"}
        told = inbox.urls()
        assert f"file://{tmp_path}/d0/a.txt" in told
        assert f"file://{tmp_path}/d1/a.txt" not in told
        assert len(told) == 5
        shutil.rmtree(tmp_path / "d1" / "a.txt")
        assert sync_once(found.workflows[0]).added == 1  # the next round brings the rest
        assert files(source) == {}
        assert sorted(inbox.urls()) == sorted([*told, f"file://{tmp_path}/d1/a.txt"])


def test_a_source_that_cannot_be_cleaned_fails_the_round_and_keeps_what_arrived(
    ftp_server: FtpServer, tmp_path: Path, catalog: Catalog
) -> None:
    from cli.workflows.local_runs import sync_once  # noqa: PLC0415 - imports Prefect
    from flows.results.sync import SyncFailed  # noqa: PLC0415

    (ftp_server.root / "kept").mkdir()
    (ftp_server.root / "kept" / "a").write_bytes(b"a")
    text = f"""
sources:
- {{name: s, type: ftp, host: {ftp_server.host}, port: {ftp_server.port}, path: /kept,
   username: {READER}, password: {ftp_server.password}, tls: none}}
destinations: [{{name: d, type: local, path: {tmp_path}/end}}]
workflows: [{{name: w, source: s, destinations: [d], cleanUp: true}}]
"""
    (one,) = workflows(text).workflows
    for _ in range(2):  # the second round finds it stored, and cannot remove it either
        with pytest.raises(SyncFailed, match=r"'a' at ftp://.*: not removed: ") as failed:
            sync_once(one)
        assert failed.value.result.failed == 0
        assert set(files(tmp_path / "end")) == {"a"}
        assert catalog.runs.all(1)[0].state == "failed"


def test_a_source_that_is_read_only_is_not_to_be_cleaned(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    from cli.workflows.local_runs import sync_once  # noqa: PLC0415 - imports Prefect

    url = served(faulty_server, {"a": b"a"})
    text = f"sources: [{{name: s, type: repository, repository: '{url}'}}]\n"
    text += f"destinations: [{{name: d, type: local, path: {tmp_path}/end}}]\n"
    text += "workflows: [{name: w, source: s, destinations: [d], cleanUp: true}]"
    with pytest.raises(InvalidInput, match="is read-only: clean_up cannot remove files"):
        sync_once(workflows(text).workflows[0])
    assert not (tmp_path / "end").exists()
