"""The rehearsal of docs/plug-ins.md, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.servers.process import ROOT
from tests.transfer.endpoints import tree


def test_a_rehearsed_sync_tries_again_and_names_what_stays_wrong(tmp_path: Path) -> None:
    from prefect.settings import get_current_settings  # noqa: PLC0415 - imports Prefect

    text = (ROOT / "docs" / "plug-ins.md").read_text()
    (snippet,) = re.findall(r"```python\n(from blocks.*?)```", text, re.DOTALL)
    source, end = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "a.csv").write_text("1,2")
    (source / "b.bin").write_bytes(b"abc" * 1000)

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            snippet.replace("/srv/in", str(source)).replace("/srv/out", str(end)),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            **get_current_settings().to_environment_variables(exclude_unset=True),
            "ENTREPOT_REHEARSAL": "1",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    # Nobody declared a digest of b.bin, so nobody can know that a bit of it was flipped.
    assert done.returncode == 0, done.stderr
    copied = tree(end)
    assert copied["a.csv"] == b"1,2"
    assert copied["b.bin"] == b"`bc" + b"abc" * 999
