"""Folders that are not whole yet: whose writer was killed is removed by the next, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.process import ROOT
from transfer.archive.draft import create_draft, publish_files

WRITER = """
import sys, time
from pathlib import Path
from transfer.archive.draft import create_draft
with create_draft(Path(sys.argv[1])) as made:
    (made / "half").write_text("x")
    print(made, flush=True)
    time.sleep(600)
"""

PUBLISHER = """
import os, signal, sys
from pathlib import Path
from transfer.archive.draft import create_draft, publish_files
renamed = 0

def hook(event, _):
    global renamed
    if event == "os.rename":
        renamed += 1
        if renamed == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

with create_draft(Path(sys.argv[1])) as made:
    names = [(made / one, one) for one in ("a.tar.0000", "a.tar.0001", "a.toc")]
    for file, name in names:
        file.write_text(name)
    sys.addaudithook(hook)
    publish_files(made, names)
"""


def test_the_draft_of_a_killed_writer_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        theirs = Path(writer.stdout.readline().strip())
        with create_draft(tmp_path) as ours:
            assert (theirs / "half").read_text() == "x"
            assert ours != theirs
        os.kill(writer.pid, signal.SIGKILL)
    assert theirs.exists()
    with create_draft(tmp_path):
        assert not theirs.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rename", [1, 2, 3])
def test_what_a_killed_writer_named_goes_unless_all_had_their_names(
    tmp_path: Path, rename: int
) -> None:
    words = [sys.executable, "-c", PUBLISHER, str(tmp_path), str(rename)]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    named = {one.name for one in tmp_path.iterdir() if not one.name.startswith(".")}
    assert named == set(("a.tar.0000", "a.tar.0001")[: rename - 1])
    (tmp_path / "a.tar.0000").unlink(missing_ok=True)
    (tmp_path / "a.tar.0000").write_text("somebody else's by now")

    with create_draft(tmp_path):
        pass

    assert [one.name for one in tmp_path.iterdir()] == ["a.tar.0000"]
    assert (tmp_path / "a.tar.0000").read_text() == "somebody else's by now"


def test_names_are_taken_back_where_one_cannot_be_given(tmp_path: Path) -> None:
    (tmp_path / "b" / "in the way").mkdir(parents=True)
    with create_draft(tmp_path) as draft:
        for name in "ab":
            (draft / name).write_text(name)
        with pytest.raises(OSError, match="b"):
            publish_files(draft, [(draft / name, name) for name in "ab"])
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
