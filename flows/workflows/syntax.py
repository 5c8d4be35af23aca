"""The syntax of a workflow file: variables, durations, and its three lists.

>>> expand_variables("endpoint: ${HOST}", {"HOST": "store"})
'endpoint: store'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import durationpy
import yaml

from catalog.errors import InvalidInput

NANOSECONDS = 1e9  # in a second
LEAST = 1_000_000  # nanoseconds; a smaller number was surely meant as seconds
SECTIONS = ("sources", "destinations", "workflows")
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<braced>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))", re.ASCII
)

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkflowSections:
    """The entries of a file by name, not yet validated."""

    name: str
    sources: Mapping[str, Fields]
    destinations: Mapping[str, Fields]
    workflows: Mapping[str, Fields]


def expand_variables(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$VAR` and `${VAR}` everywhere except in comment lines; `$$` is a dollar sign.

    Raises:
        InvalidInput: a variable is not set; the error names each, with its line.
    """
    missing: list[str] = []

    def value(line: int, match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["braced"] or match["bare"]
        if name not in variables:
            missing.append(f"line {line}: the environment variable {name!r} is not set")
        return variables.get(name, "")

    lines = [
        line if line.lstrip().startswith("#") else _VARIABLE.sub(partial(value, number), line)
        for number, line in enumerate(text.splitlines(keepends=True), 1)
    ]
    if missing:
        raise InvalidInput("\n".join(missing))
    return "".join(lines)


def parse_sections(text: str, name: str) -> WorkflowSections:
    """Parse the three lists; `name` is the file's name, unless the file sets another.

    Raises:
        InvalidInput: it is not YAML, has an unknown key, or a name is missing or given twice.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:  # its message quotes the line, which may hold a secret
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidInput(f"{where}not valid YAML: {why}") from None
    keys = _mapping(content, "the file")
    check_keys(keys, ("name", *SECTIONS), "the file")
    file_name = keys.get("name", name)
    if not isinstance(file_name, str) or not file_name:
        raise InvalidInput(f"name: expected a text, found {file_name!r}")
    sources, destinations, workflows = (
        _entries_by_name(keys.get(section), section) for section in SECTIONS
    )
    return WorkflowSections(file_name, sources, destinations, workflows)


def check_keys(keys: Fields, allowed: tuple[str, ...], where: str) -> None:
    """Raise an error that names every key that is not allowed, and those that are."""
    unknown = [str(key) for key in keys if key not in allowed]
    if unknown:
        prefix = f"{where}: " if where else ""
        raise InvalidInput(
            f"{prefix}unknown keys: {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed)}"
        )


def seconds_of(value: object, key: str) -> float:
    """Return a duration in seconds, from Go's notation (`300s`, `1h30m`) or nanoseconds.

    >>> seconds_of("1h30m", "interval"), seconds_of(300_000_000_000, "interval")
    (5400.0, 300.0)
    """
    if isinstance(value, str):
        try:
            seconds = durationpy.from_str(value).total_seconds()
        except ValueError as error:
            raise InvalidInput(
                f"{key}: expected a duration such as '300s' or '1h30m', found {value!r}"
            ) from error
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value < LEAST:
            raise InvalidInput(f"{key}: {value} is a number of nanoseconds: write '{value}s'")
        seconds = value / NANOSECONDS
    else:
        raise InvalidInput(f"{key}: expected a duration such as '300s', found {value!r}")
    if seconds < 0:
        raise InvalidInput(f"{key}: a duration cannot be negative, found {value!r}")
    return seconds


def _entries_by_name(value: object, section: str) -> dict[str, Fields]:
    """Return the entries of one list by their names."""
    if value is None:
        return {}
    if not isinstance(value, list):
        raise InvalidInput(f"{section}: expected a list, found {type(value).__name__}")
    entries: dict[str, Fields] = {}
    for number, item in enumerate(cast("list[object]", value), 1):
        where = f"{section}, entry {number}"
        fields = _mapping(item, where)
        name = fields.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidInput(f"{where}: expected `name` to be a text, found {name!r}")
        if name in entries:
            raise InvalidInput(f"{section}: the name {name!r} is given more than once")
        entries[name] = {key: field for key, field in fields.items() if key != "name"}
    return entries


def _mapping(value: object, where: str) -> Fields:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where}: expected a mapping, found {type(value).__name__}")
    return cast("Fields", value)
