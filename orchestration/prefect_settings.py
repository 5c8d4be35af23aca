"""What Prefect's settings say, read without importing Prefect, which takes two seconds.

Only two questions are answered: is a server configured, and where does the temporary server keep
its database. What cannot be read counts as configured, so that Prefect itself says what is wrong.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

URL = "PREFECT_API_URL"
DATABASE = re.compile(r"PREFECT_(SERVER|API)_DATABASE_")
LINE = re.compile(r"(?m)^\s*(?:export\s+)?PREFECT_API_URL\s*=\s*\S")


@dataclass(frozen=True, slots=True)
class PrefectSettings:
    """The settings that decide whether and where there is a server."""

    server: bool
    """Whether a server is configured, or may be."""
    database: Path | None
    """Where a temporary server keeps its database; None if it is unknown."""


def read_prefect_settings() -> PrefectSettings:
    """Read the environment, the active profile, and the settings files of the current folder."""
    try:
        home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
        profile = _active_profile(home / "profiles.toml")
        elsewhere = _in_this_folder()
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError):  # no home: RuntimeError
        return PrefectSettings(server=True, database=None)
    settings = {**profile, **os.environ}
    special = elsewhere or any(map(DATABASE.match, settings))
    return PrefectSettings(
        server=bool(settings.get(URL)) or (elsewhere and URL not in os.environ),
        database=None if special else home / "prefect.db",
    )


def _active_profile(file: Path) -> Mapping[str, str]:
    content = tomllib.loads(_text_of(file))
    name = os.environ.get("PREFECT_PROFILE") or content.get("active")
    profile: Mapping[str, str] = content.get("profiles", {}).get(name, {})
    return profile


def _in_this_folder() -> bool:
    """Say whether files of the current folder name a server, or another profiles file."""
    project = tomllib.loads(_text_of(Path("pyproject.toml")))
    tables: list[dict[str, Any]] = [
        tomllib.loads(_text_of(Path("prefect.toml"))),
        project.get("tool", {}).get("prefect", {}),
    ]
    return bool(LINE.search(_text_of(Path(".env")))) or any(
        table.get("api", {}).get("url") or table.get("profiles_path") for table in tables
    )


def _text_of(file: Path) -> str:
    """Return the text of a file, none if there is no such file; other errors are raised."""
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):  # `.env` may be an environment of Python
        return ""
