"""What it costs to import what every flow imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = (
    "asyncssh cryptography botocore s3fs gcsfs adlfs azure obstore aiohttp webdav4 sshfs "
    "google_crc32c dulwich urllib3"
)
SCRIPT = f"""
import sys
import blocks.repository
loaded = [name for name in {HEAVY.split()} if name in sys.modules]
loaded += [
    name for name in sys.modules
    if name.startswith("fsspec.implementations.") and not name.endswith(".local")  # Prefect's
]
sys.exit(", ".join(loaded) or 0)
"""


def test_importing_the_block_imports_no_library_of_a_storage() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
