"""The text of a workflow file: variables, durations, and the three lists that it holds.

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
LEAST = 1_000_000  # nanoseconds; a smaller number was meant to be seconds
PARTS = ("sources", "destinations", "workflows")
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<braced>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))", re.ASCII
)

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkflowSections:
    """What a file holds, by name, nothing of it understood yet."""

    name: str
    sources: Mapping[str, Fields]
    destinations: Mapping[str, Fields]
    workflows: Mapping[str, Fields]


def expand_variables(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$VAR` and `${VAR}` everywhere but in lines that are comments; `$$` is a dollar.

    Raises:
        InvalidInput: a variable is not set; every one of them is named, with its line.
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
    """Read the three lists; `name` is the file's, unless it says another.

    Raises:
        InvalidInput: it is no YAML, holds a key that is not known, or a name twice or not at all.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:  # its own text quotes the line, which may hold a secret
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidInput(f"{where}no YAML: {why}") from None
    found = _mapping(content, "the file")
    check_keys(found, ("name", *PARTS), "the file")
    named = found.get("name", name)
    if not isinstance(named, str) or not named:
        raise InvalidInput(f"name: expected a text, found {named!r}")
    sources, destinations, workflows = (_named(found.get(part), part) for part in PARTS)
    return WorkflowSections(named, sources, destinations, workflows)


def check_keys(given: Fields, allowed: tuple[str, ...], where: str) -> None:
    """Raise an error that names every key of `given` that is not allowed, and all that are."""
    unknown = [str(key) for key in given if key not in allowed]
    if unknown:
        raise InvalidInput(
            f"{where}: unknown: {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed)}"
        )


def seconds_of(value: object, key: str) -> float:
    """Return a duration in seconds: Go's text (`300s`, `1h30m`), or a number of nanoseconds.

    >>> seconds_of("1h30m", "interval"), seconds_of(300_000_000_000, "interval")
    (5400.0, 300.0)
    """
    if isinstance(value, str):
        try:
            found = durationpy.from_str(value).total_seconds()
        except ValueError as error:
            raise InvalidInput(
                f"{key}: expected a duration such as '300s' or '1h30m', found {value!r}"
            ) from error
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value < LEAST:
            raise InvalidInput(f"{key}: {value} is a number of nanoseconds: write '{value}s'")
        found = value / NANOSECONDS
    else:
        raise InvalidInput(f"{key}: expected a duration such as '300s', found {value!r}")
    if found < 0:
        raise InvalidInput(f"{key}: a duration is not negative, found {value!r}")
    return found


def _named(given: object, part: str) -> dict[str, Fields]:
    """Return the entries of one list by their names."""
    if given is None:
        return {}
    if not isinstance(given, list):
        raise InvalidInput(f"{part}: expected a list, found {type(given).__name__}")
    found: dict[str, Fields] = {}
    for place, one in enumerate(cast("list[object]", given), 1):
        fields = _mapping(one, f"{part}, entry {place}")
        name = fields.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidInput(f"{part}, entry {place}: `name` is to be a text, found {name!r}")
        if name in found:
            raise InvalidInput(f"{part}: the name {name!r} is given more than once")
        found[name] = {key: value for key, value in fields.items() if key != "name"}
    return found


def _mapping(given: object, where: str) -> Fields:
    if not isinstance(given, dict):
        raise InvalidInput(f"{where}: expected keys with values, found {type(given).__name__}")
    return cast("Fields", given)
