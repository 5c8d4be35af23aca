"""Clients that know nothing of Entrepot read a repository from the gateway: pip, and curl."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.gateway.mirror_gateway import TENANT, web

pytestmark = pytest.mark.usefixtures("prefect_server")


def wheel(folder: Path, version: str) -> tuple[str, bytes]:
    """Make the smallest wheel there is."""
    info = f"tiny-{version}.dist-info"
    file = folder / f"tiny-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("tiny.py", f"version = {version!r}\n")
        out.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        out.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr(f"{info}/RECORD", "")
    return file.name, file.read_bytes()


def test_pip_finds_and_fetches_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dict(wheel(tmp_path, version) for version in ("1.0", "1.1"))
    with web(tmp_path, monkeypatch, {f"wheels/{name}": body for name, body in data.items()}) as one:
        target = tmp_path / "got"
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--no-index",
                    "--no-deps",
                    "--no-cache-dir",
                ),
                *("--disable-pip-version-check", "-d", target),
                *("--find-links", f"{one.running.url}/content/{TENANT}/web/wheels/", "tiny"),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (got,) = target.iterdir()
        assert got.name == "tiny-1.1-py3-none-any.whl"
        assert got.read_bytes() == data[got.name]
        assert one.asked("wheels/tiny-1.0-py3-none-any.whl") == 0


def test_sha256sum_checks_what_curl_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"a.txt": b"alpha", "d/b c.txt": b"beta"}
    with web(tmp_path, monkeypatch, data) as one:
        folder = tmp_path / "got"
        folder.mkdir()
        base = f"{one.running.url}/content/{TENANT}/web"
        script = (
            f"set -e; curl -sSf {base}/PULP_MANIFEST -o M\n"
            'while IFS=, read -r path digest size; do mkdir -p "$(dirname "$path")"\n'
            f'curl -sSf -C - "{base}/$(printf %s "$path" | sed "s/ /%20/g")" -o "$path"\n'
            'echo "$digest  $path"; done < M > SUMS; sha256sum -c SUMS'
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["a.txt: OK", "d/b c.txt: OK"]
