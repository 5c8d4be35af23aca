"""`entrepot put`, `get` and the others: the same words to a gateway and to the catalog itself."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.settings import Settings
from cli.app import app
from cli.terminal.exit_codes import ExitCode
from tests.gateway.conftest import Running, serving
from tests.gateway.cutting_proxy import relay
from tests.gateway.upload_folders import RESOURCES, files_below, put
from tests.servers.process import ROOT

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Desk:
    """What runs a command, where files may be put, and what is kept."""

    run: Callable[..., tuple[int, bytes, str]]
    folder: Path
    kept: Path

    def well(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run a command that has to succeed, and return its stdout."""
        code, out, err = self.run(*words, stdin=stdin)
        assert code == ExitCode.SUCCESS, err
        return out

    def json(self, *words: str, stdin: bytes = b"") -> Any:  # noqa: ANN401 - JSON
        """Run a command that has to succeed, and return what it tells."""
        return json.loads(self.well(*words, "--json", stdin=stdin))

    def file(self, name: str, data: bytes) -> str:
        """Write a file, and return its path."""
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)


def runner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, bytes, str]]:
    """Return what runs `entrepot` here and gives its exit code, stdout and stderr."""

    def run(*words: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            app()(list(words))
        printed = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, printed.out, printed.err.decode()

    return run


@pytest.fixture(params=["direct", "gateway"])
def desk(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Generator[Desk]:
    """Return the command line with a gateway, or without one."""
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ENTREPOT_TENANT", "mytenant")
    kept = tmp_path / "catalog" / "catalog.duckdb.d" / "resources" / "mytenant"
    run = runner(monkeypatch, capsysbinary)
    if request.param == "direct":
        monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
        yield Desk(run, folder, kept)
        return
    tenants = {"mytenant": {"repositories": {}, "local_roots": [str(tmp_path)]}}
    with serving(tmp_path, tenants=tenants) as running:
        _, token = running.catalog.tokens.create(Role.WRITER)
        monkeypatch.setenv("ENTREPOT_GATEWAY_URL", running.url)
        monkeypatch.setenv("ENTREPOT_TOKEN", token)
        monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "none" / "catalog.duckdb"))
        yield Desk(run, folder, kept)
        assert not (tmp_path / "none").exists()


def test_what_was_put_is_got(desk: Desk) -> None:
    for data in (b"first", b"second"):
        made = desk.json("put", desk.file("x", data), "my/a.txt", "-p", "by=ann", "-p", "n=1")
    (told,) = made
    assert (told["name"], told["version"], told["size"]) == ("my/a.txt", "1", "6")
    assert (told["properties"], told["type"]) == ({"by": "ann", "n": "1"}, "text/plain")
    assert told["digests"] == {"sha256": hashlib.sha256(b"second").hexdigest()}
    assert desk.kept.joinpath("my/0/a.txt").read_bytes() == b"first"
    desk.well("get", "my/a.txt")
    assert Path("a.txt").read_bytes() == b"second"
    desk.well("get", "/my/a.txt", "a.txt", "--version", "0")
    assert Path("a.txt").read_bytes() == b"first"
    Path("below").mkdir()
    out = desk.json("get", "my/a.txt", "below")
    assert out == [{"name": "my/a.txt", "version": 1, "file": "below/a.txt"}]
    assert files_below(desk.folder) == ["a.txt", "below/a.txt", "x"]


def test_it_goes_through_pipes(desk: Desk) -> None:
    data = bytes(range(256)) * 10_000
    (told,) = desk.json("put", "-", "piped", "-p", "by=ann", "--type", "a/b", stdin=data)
    assert (told["size"], told["type"]) == (str(len(data)), "a/b")
    assert told["properties"] == {"by": "ann"}
    assert desk.well("get", "piped", "-") == data
    desk.well("put", "-", "nothing", stdin=b"")
    assert desk.well("get", "nothing", "-") == b""


def test_it_is_copied_moved_and_removed(desk: Desk) -> None:
    for data in (b"zero", b"one"):
        desk.well("put", desk.file("x", data), "a")
    assert [one["version"] for one in desk.json("cp", "a", "b")] == ["0", "1"]
    assert [one["name"] for one in desk.json("cp", "a", "c", "--version", "1")] == ["c"]
    assert len(desk.json("mv", "a", "d")) == 2
    assert desk.json("rm", "d", "--version", "0")[0]["version"] == "0"
    assert desk.well("get", "d", "-") == b"one"
    assert desk.well("get", "c", "-") == b"one"
    assert desk.well("rm", "d").split()[4:7] == [b"d", b"1", b"3"]
    assert files_below(desk.kept) == ["0/a", "1/a"]  # copies and moves share their bytes


def test_what_lies_elsewhere_is_registered(desk: Desk) -> None:
    url = Path(desk.file("far.bin", b"elsewhere")).as_uri()
    (told,) = desk.json("register", "far", url, "-p", "by=ann")
    assert told["storage"] == {"type": "external", "url": url}
    assert desk.well("get", "far", "-") == b"elsewhere"
    assert files_below(desk.kept) == []


def test_resources_are_listed(desk: Desk) -> None:
    assert desk.well("ls", "--resources") == b""
    assert desk.json("ls", "--resources") == []
    for name in ("a/1", "a/2", "b"):
        for who in ("ann", "bob"):
            desk.well("put", desk.file("x", b"12345"), name, "-p", f"by={who}")
    lines = desk.well("ls", "--resources").decode().splitlines()
    assert [one.split() for one in lines] == [
        ["5", "B", *lines[n].split()[2:4], "UTC", "1", name]
        for n, name in enumerate(("a/1", "a/2", "b"))
    ]
    assert [one["name"] for one in desk.json("ls", "a/", "--resources")] == ["a/1", "a/2"]
    assert desk.json("ls", "--resources", "--properties", "by=ann") == []
    every = desk.json("ls", "b", "--resources", "--every-version")
    assert [one["properties"]["by"] for one in every] == ["ann", "bob"]


WRONG = [
    ("get", "never"),
    ("get", "never", "--version", "3"),
    ("rm", "never"),
    ("cp", "never", "x"),
    ("cp", "there", "../x"),
    ("put", "x", "../x"),
    ("put", "x", "a\\b"),
    ("put", "x", "a", "-p", "none"),
    ("put", "no-such-file", "a"),
    ("get", "there", "no-such-folder/x"),
    ("register", "a", "no-url"),
    ("register", "a", "https://ann:secret@example.org/x"),
    ("ls", "--resources", "--properties", "=x"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_what_cannot_be_done_is_told_and_ends_with_2(desk: Desk, words: tuple[str, ...]) -> None:
    desk.well("put", desk.file("x", b"x"), "there")
    code, out, err = desk.run(*words)
    assert (code, out) == (ExitCode.USAGE, b""), err
    assert err.startswith("entrepot: ")
    assert err.count("\n") == 1
    assert "secret@" not in err
    code, out, _ = desk.run(*words, "--json")
    assert (code, set(json.loads(out))) == (ExitCode.USAGE, {"error"})
    assert files_below(desk.folder) == ["x"]
    assert files_below(desk.kept) == ["0/there"]


def test_damaged_bytes_are_never_shown_as_the_file(desk: Desk) -> None:
    desk.well("put", desk.file("x", b"right"), "a")
    target = desk.file("target", b"before")
    desk.kept.joinpath("0/a").write_bytes(b"wrong")
    code, _, err = desk.run("get", "a", target)
    assert code == ExitCode.UNREACHABLE
    assert "digest" in err
    assert Path(target).read_bytes() == b"before"
    assert files_below(desk.folder) == ["target", "x"]
    assert desk.run("get", "a", "-")[0] == ExitCode.UNREACHABLE


def test_what_came_earlier_is_not_fetched_again(desk: Desk) -> None:
    data = bytes(range(256)) * 20_000
    desk.well("put", desk.file("x", data), "a")
    mark = hashlib.sha256(data).hexdigest()[:20]
    name = hashlib.sha256(b"target").hexdigest()[:12]
    part = Path(f".entrepot-{name}-{mark}.part")
    part.write_bytes(data[:1_000_000])
    desk.well("get", "a", "target")
    assert Path("target").read_bytes() == data
    part.write_bytes(b"of something else")  # found out at the end, and gone for the next try
    assert desk.run("get", "a", "target")[0] == ExitCode.UNREACHABLE
    assert not part.exists()
    desk.well("get", "a", "target")
    assert files_below(desk.folder) == ["target", "x"]


def test_large_files_go_and_come_whole(desk: Desk) -> None:
    file = desk.file("x", bytes(range(256)) * (70 * 2**12))
    assert desk.json("put", file, "large")[0]["size"] == str(70 * MIB)
    desk.well("get", "large", "y")
    assert Path("y").read_bytes() == Path(file).read_bytes()
    uploads = desk.kept.parent.parent / "uploads"
    left = files_below(uploads)
    assert all("/done/" in one for one in left)  # a note for who repeats the commit


@pytest.fixture
def cut(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, bytes, str]]:
    """Return what runs commands about the tenant that `running` serves."""
    monkeypatch.setenv("ENTREPOT_TENANT", "mytenant")
    return runner(monkeypatch, capsysbinary)


def test_an_upload_goes_on_where_the_connection_broke(
    running: Running, cut: Callable[..., tuple[int, bytes, str]], tmp_path: Path
) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(range(256)) * (80 * 2**12))
    with relay(running.url, [10 * MIB, 20 * MIB, 5 * MIB]) as bad:
        code, _, err = cut("put", str(file), "large", "--gateway", bad.url)
        assert (code, bad.cuts) == (ExitCode.SUCCESS, []), err
    reply = running.client.get(f"{RESOURCES}/versions/large").json()["metadata"]
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert [one["digests"]["sha256"] for one in reply] == [sha256]


def test_an_upload_that_was_given_up_is_taken_up_again(
    running: Running, cut: Callable[..., tuple[int, bytes, str]], tmp_path: Path
) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(range(256)) * (80 * 2**12))
    with relay(running.url, [40 * MIB, *[0] * 50]) as bad:
        code, _, err = cut("put", str(file), "large", "--gateway", bad.url)
        assert code == ExitCode.UNREACHABLE
        assert "cannot be reached" in err
    (upload,) = running.client.get(f"{RESOURCES}/uploads").json()["uploads"]
    assert len(upload["chunks"]) == 2
    with relay(running.url, []) as good:
        assert cut("put", str(file), "large", "--gateway", good.url)[0] == ExitCode.SUCCESS
    assert running.client.get(f"{RESOURCES}/uploads").json()["uploads"] == []
    assert len(running.client.get(f"{RESOURCES}/versions/large").json()["metadata"]) == 1


def test_a_download_goes_on_where_the_connection_broke(
    running: Running, cut: Callable[..., tuple[int, bytes, str]], tmp_path: Path
) -> None:
    data = bytes(range(256)) * 80_000
    put(running.client, "a", data)
    target = tmp_path / "target"
    with relay(running.url, [5 * MIB, 2 * MIB, 1 * MIB]) as bad:
        code, _, err = cut("get", "a", str(target), "--gateway", bad.url)
        assert (code, bad.cuts) == (ExitCode.SUCCESS, []), err
        assert target.read_bytes() == data
    with relay(running.url, [6 * MIB, MIB]) as bad:
        assert cut("get", "a", "-", "--gateway", bad.url)[1] == data


def test_a_gateway_that_is_not_there_ends_with_4(
    cut: Callable[..., tuple[int, bytes, str]],
) -> None:
    code, _, err = cut("ls", "--resources", "--gateway", "http://127.0.0.1:9")
    assert (code, err.count("\n")) == (ExitCode.UNREACHABLE, 1)
    assert cut("ls", "--resources", "--gateway", "no url")[0] == ExitCode.USAGE


def test_a_token_comes_from_the_environment_or_a_file_and_is_never_told(
    running: Running,
    cut: Callable[..., tuple[int, bytes, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    _, text = running.catalog.tokens.create(Role.READER)
    put_words = ("put", str(Path(__file__)), "a", "--gateway", running.url)
    assert cut("ls", "--resources", "--gateway", running.url)[0] == ExitCode.USAGE
    (tmp_path / "token").write_text(f"{text}\n")
    file = str(tmp_path / "token")
    words = ("ls", "--resources", "--gateway", running.url, "--token-file", file)
    assert cut(*words)[0] == ExitCode.SUCCESS
    monkeypatch.setenv("ENTREPOT_TOKEN", text)
    assert cut("ls", "--resources", "--gateway", running.url)[0] == ExitCode.SUCCESS
    code, out, err = cut(*put_words)
    assert (code, "writer" in err) == (ExitCode.USAGE, True)
    assert text.encode() not in out
    assert text not in err


def test_without_a_gateway_prefect_is_not_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from cli.app import app\n"
        "try: app()(['put', sys.argv[1], 'a'])\n"
        "except SystemExit as ended: assert not ended.code\n"
        "print('prefect' in sys.modules, file=sys.stderr)"
    )
    (tmp_path / "x").write_bytes(b"x")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x")],
        cwd=ROOT,
        env={"ENTREPOT_CATALOG": str(tmp_path / "c.duckdb"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "False\n"


def test_a_store_that_is_named_needs_no_gateway(
    cut: Callable[..., tuple[int, bytes, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "other" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_GATEWAY_URL", "http://127.0.0.1:9")
    shelf = tmp_path / "shelf"
    for place in (str(shelf), shelf.as_uri()):
        assert cut("put", __file__, "a", "--store", place)[0] == ExitCode.SUCCESS
    assert files_below(shelf) == ["0/a", "1/a"]
    assert cut("get", "a", "-", "--store", str(shelf))[1] == Path(__file__).read_bytes()
    words = ("ls", "--resources", "--store", str(shelf), "--gateway", "http://127.0.0.1:8")
    assert cut(*words)[0] == ExitCode.USAGE
    assert cut("ls", "--resources", "--gateway", "")[0] == ExitCode.SUCCESS


def test_what_a_command_puts_is_what_a_gateway_serves(
    running: Running, cut: Callable[..., tuple[int, bytes, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_CATALOG", str(running.folder / "catalog" / "catalog.duckdb"))
    assert cut("put", __file__, "a")[0] == ExitCode.SUCCESS
    reply = running.client.get(f"{RESOURCES}/download/a")
    assert reply.content == Path(__file__).read_bytes()
    assert Catalog.open(Settings()).resources.get("a").version == 0
