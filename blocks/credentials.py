"""Named and default credential sets, and overrides by dot-path (PullMan's storage configuration).

`ENTREPOT_CREDENTIALS` names a folder of JSON files, one a key, in which `$VAR` and `${VAR}` are
expanded. A mapping that asks for `storage_key` must find it; without one `default_<type>` or
`default` is used where it exists. `storage_params` are set last, each at its dot-path.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from catalog.errors import InvalidInput
from catalog.settings import Settings
from providers.base import ProviderSettings
from providers.registry import settings_from_mapping

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def merged_settings(given: dict[str, Any]) -> ProviderSettings:
    """Return settings from a mapping: credential set, then the mapping itself, then overrides."""
    values = dict(given)
    key = values.pop("storage_key", None)
    overrides = values.pop("storage_params", {})
    stored = _stored(Settings().credentials, key, values.get("type"))
    return settings_from_mapping(apply_overrides({**stored, **values}, overrides))


def expanded(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace `$VAR` and `${VAR}` in every string by the environment's values.

    A variable that is not set is an error.
    """
    if isinstance(value, str):
        return _VARIABLE.sub(_variable, value)
    if isinstance(value, dict):
        return {key: expanded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [expanded(one) for one in value]
    return value


def _variable(match: re.Match[str]) -> str:
    name = match[1] or match[2]
    if name not in os.environ:
        raise InvalidInput(f"the environment variable {name!r} is not set")
    return os.environ[name]


def apply_overrides(values: dict[str, Any], overrides: dict[str, str]) -> dict[str, Any]:
    """Return `values` with each dot-path set; only strings are made or replaced (PM-32).

    >>> apply_overrides({"a": {"b": "1"}}, {"a.b": "2", "c.d": "3"})
    {'a': {'b': '2'}, 'c': {'d': '3'}}
    """
    result: dict[str, Any] = json.loads(json.dumps(values))
    for dotted, value in overrides.items():
        place = result
        *above, last = dotted.split(".")
        for name in above:
            inner = place.setdefault(name, {})
            if not isinstance(inner, dict):
                raise InvalidInput(f"cannot set {dotted!r}: {name!r} is not an object")
            place = inner
        if last in place and not isinstance(place[last], str):
            raise InvalidInput(f"cannot set {dotted!r}: only strings may be replaced")
        place[last] = value
    return result


def _stored(folder: Path | None, key: object, kind: object) -> dict[str, Any]:
    if key is not None:
        if folder is None:
            raise InvalidInput(
                f"the credential set {key!r} was asked for, but ENTREPOT_CREDENTIALS is not set"
            )
        return _read(folder, str(key), asked=str(key))
    if folder is None:
        return {}
    for name in ([f"default_{kind}"] if isinstance(kind, str) else []) + ["default"]:
        if (folder / f"{name}.json").exists():
            return _read(folder, name, asked=name)
    return {}


def _read(folder: Path, name: str, *, asked: str) -> dict[str, Any]:
    if "/" in name or name.startswith("."):
        raise InvalidInput(f"{asked!r} is not the name of a credential set")
    file = folder / f"{name}.json"
    if not file.exists():
        known = sorted(one.stem for one in folder.glob("*.json"))
        raise InvalidInput(f"no credential set {asked!r}; known: {', '.join(known) or 'none'}")
    try:
        values = expanded(json.loads(file.read_text()))
    except json.JSONDecodeError as error:
        raise InvalidInput(f"the credential set {asked!r} is not JSON: {error.msg}") from error
    if not isinstance(values, dict):
        raise InvalidInput(f"the credential set {asked!r} is not a JSON object")
    return values
