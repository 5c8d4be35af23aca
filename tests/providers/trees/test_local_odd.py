"""Local folders as they are: churn, link webs, links that lead out, names of bytes, no sizes."""

# ruff: noqa: RUF001 - the mark of bytes that are no UTF-8

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from catalog.errors import NameNotAllowed
from catalog.model.gap import BOUND, Gap, files_collecting_gaps
from providers.base import Attributes
from providers.local.listing import Symlinks
from providers.local.settings import LocalSettings
from providers.local.storage import LocalStorage
from providers.shared.raw_names import has_raw_bytes, to_printable, to_raw
from providers.shared.tree_walk import MAX_DEPTH
from providers.testing.subject import OPTIONS, names


def opened(root: Path, symlinks: Symlinks = Symlinks.INSIDE) -> LocalStorage:
    storage = LocalSettings(path=str(root), symlinks=symlinks).open(OPTIONS)
    assert isinstance(storage, LocalStorage)
    return storage


def seeded(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


CHURN = """
import os, sys
number = 0
while True:
    names = [f"{sys.argv[1]}/up-{number}-{one}.part" for one in range(200)]
    number += 1
    for name in names: open(name, "w").close()
    for name in names: os.unlink(name)
"""


def test_what_comes_and_goes_takes_no_neighbour_along(tmp_path: Path) -> None:
    expected = [f"busy/r{number:03}" for number in range(300)]
    seeded(tmp_path, *expected, "calm/a")
    churn = subprocess.Popen([sys.executable, "-c", CHURN, str(tmp_path / "busy")])
    try:
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "busy").iterdir())) <= 300 and time.monotonic() < deadline:
            time.sleep(0.01)
        for _ in range(20):
            gaps: list[Gap] = []
            listed = {one.path for one in files_collecting_gaps(opened(tmp_path).enumerate(), gaps)}
            assert {one for one in listed if not one.endswith(".part")} == {*expected, "calm/a"}
            assert gaps == []
    finally:
        churn.kill()
        churn.wait()


@pytest.mark.parametrize("symlinks", [Symlinks.INSIDE, Symlinks.FOLLOW])
def test_a_link_web_is_listed_once(tmp_path: Path, symlinks: Symlinks) -> None:
    for one in range(6):
        seeded(tmp_path, f"p{one}/own")
        (tmp_path / f"p{one}/deps").mkdir()
        for other in range(6):
            if other != one:
                (tmp_path / f"p{one}/deps/p{other}").symlink_to(f"../../p{other}")

    storage = opened(tmp_path, symlinks=symlinks)

    assert names(storage.enumerate()) == [f"p{one}/own" for one in range(6)]


def test_a_folder_outside_is_followed_once(tmp_path: Path) -> None:
    seeded(tmp_path / "out", "x", "deep/y")
    seeded(tmp_path / "in", "own")
    (tmp_path / "in/one").symlink_to(tmp_path / "out")
    (tmp_path / "in/two").symlink_to(tmp_path / "out/deep")
    (tmp_path / "in/up").symlink_to(tmp_path)

    storage = opened(tmp_path / "in", symlinks=Symlinks.FOLLOW)

    assert names(storage.enumerate()) == ["one/deep/y", "one/x", "own"]


def test_a_link_that_leads_out_is_a_gap_and_the_rest_is_listed(tmp_path: Path) -> None:
    seeded(tmp_path / "out", "x")
    seeded(tmp_path / "in", "own", "sub/more")
    (tmp_path / "in/sub/away").symlink_to(tmp_path / "out")
    (tmp_path / "in/file").symlink_to(tmp_path / "out/x")
    gaps: list[Gap] = []

    listed = [one.path for one in files_collecting_gaps(opened(tmp_path / "in").enumerate(), gaps)]

    assert sorted(listed) == ["own", "sub/more"]
    assert sorted(one.path for one in gaps) == ["file", "sub/away"]
    assert all("'skip' or 'follow'" in one.why for one in gaps)


def test_links_that_lead_nowhere_are_no_files_and_no_gaps(tmp_path: Path) -> None:
    seeded(tmp_path, "a")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")

    assert names(opened(tmp_path).enumerate()) == ["a"]


def test_folders_too_deep_are_a_gap(tmp_path: Path) -> None:
    deep = "/".join(["d"] * (MAX_DEPTH + 5))
    seeded(tmp_path, f"{deep}/x", "a")
    gaps: list[Gap] = []

    assert [one.path for one in files_collecting_gaps(opened(tmp_path).enumerate(), gaps)] == ["a"]
    assert [(one.code, one.below) for one in gaps] == [(BOUND, True)]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_folder_and_a_file_that_may_not_be_seen_are_gaps() -> None:
    code = (
        "import os, sys\n"
        "from catalog.model.gap import files_collecting_gaps\n"
        "from providers.base import OpenOptions\n"
        "from providers.local.settings import LocalSettings\n"
        "storage = LocalSettings(path=sys.argv[1]).open(OpenOptions())\n"
        "list(storage.enumerate())\n"  # all that is needed is imported now
        "os.setuid(65534)\n"
        "gaps = []\n"
        "print(sorted(one.path for one in files_collecting_gaps(storage.enumerate(), gaps)))\n"
        "print(sorted((one.path, one.code) for one in gaps))\n"
    )
    with TemporaryDirectory() as name:  # not in pytest's folder, which is closed to others
        root = Path(name)
        seeded(root, "open/a", "shut/b", "blind/c")
        for folder, mode in ((".", 0o755), ("shut", 0o700), ("blind", 0o744)):
            (root / folder).chmod(mode)  # blind: names, and nothing of the files
        done = subprocess.run(
            [sys.executable, "-c", code, name],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[3],
        )

    assert done.stdout.splitlines() == [
        "['open/a']",
        "[('blind/c', 'access-denied'), ('shut', 'access-denied')]",
    ], done.stderr


def test_a_file_that_tells_no_size_is_read_to_its_end() -> None:
    storage = opened(Path("/proc/sys/kernel"))
    expected = Path("/proc/sys/kernel/ostype").read_bytes()

    assert storage.stat("ostype").size == 0
    assert storage.fetch("ostype").data == expected
    assert b"".join(bytes(one) for one in storage.read("ostype")) == expected


def test_an_empty_folder_of_its_name_makes_way_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    storage = opened(tmp_path)

    storage.put("a", b"now a file", Attributes())

    assert (tmp_path / "a").read_bytes() == b"now a file"


def test_a_time_that_the_file_system_refuses_fails_no_file(tmp_path: Path) -> None:
    opened(tmp_path).put("a", b"x", Attributes(modified_us=2**62))

    assert (tmp_path / "a").read_bytes() == b"x"


RAW = {
    "plain": (b"a b", "a b"),
    "utf-8": ("ünï".encode(), "ünï"),
    "latin-1": (b"caf\xe9", "caf‛E9"),
    "the mark": ("‛E9".encode(), "‛‛E9"),
    "the mark twice": ("‛‛".encode(), "‛‛‛"),
    "the mark before a byte": ("‛".encode() + b"\xe9", "‛‛‛E9"),
    "the mark before text": ("‛x".encode(), "‛x"),
}


@pytest.mark.parametrize(("name", "text"), RAW.values(), ids=RAW)
def test_names_of_bytes_have_a_printable_form_that_loses_nothing(name: bytes, text: str) -> None:
    assert to_printable(os.fsdecode(name)) == text
    assert os.fsencode(to_raw(text)) == name
    assert has_raw_bytes(text) is (name.decode(errors="replace") != os.fsdecode(name))


def test_a_name_of_bytes_is_read_and_written(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9", "wb") as file:  # noqa: PTH123 - bytes
        file.write(b"latin")
    storage = opened(tmp_path)

    assert names(storage.enumerate()) == ["caf‛E9"]
    assert storage.fetch("caf‛E9").data == b"latin"
    storage.put("in/d‛FF", b"new", Attributes())
    assert os.path.exists(os.fsencode(tmp_path) + b"/in/d\xff")  # noqa: PTH110 - bytes
    with pytest.raises(NameNotAllowed, match="255 bytes"):
        storage.check_name("‛FF" * 300)
    storage.remove("caf‛E9")
    assert names(storage.enumerate()) == ["in/d‛FF"]
