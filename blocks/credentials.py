"""Named and default credential sets, and overrides by dot-path, as in PullMan's configuration.

`ENTREPOT_CREDENTIALS` names a folder of JSON files, one per credential set, in which `$VAR` and
`${VAR}` are expanded. The `storage_key` of a mapping names a set, which must exist; without it,
`default_<type>` or `default` is used if it exists. `storage_params` are applied last.
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


def merged_settings(mapping: dict[str, Any]) -> ProviderSettings:
    """Return settings from a credential set, then the mapping itself, then its overrides."""
    values = dict(mapping)
    key = values.pop("storage_key", None)
    overrides = values.pop("storage_params", {})
    stored = _credential_set(Settings().credentials, key, values.get("type"))
    return settings_from_mapping(apply_overrides({**stored, **values}, overrides))


def expand_variables(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace `$VAR` and `${VAR}` in every string by environment variables.

    An unset variable is an error.
    """
    if isinstance(value, str):
        return _VARIABLE.sub(_lookup, value)
    if isinstance(value, dict):
        return {key: expand_variables(item) for key, item in value.items()}
    if isinstance(value, list):
        return [expand_variables(item) for item in value]
    return value


def _lookup(match: re.Match[str]) -> str:
    name = match[1] or match[2]
    if name not in os.environ:
        raise InvalidInput(f"the environment variable {name!r} is not set")
    return os.environ[name]


def apply_overrides(values: dict[str, Any], overrides: dict[str, str]) -> dict[str, Any]:
    """Return `values` with each dot-path set; only strings can be set or replaced (PM-32).

    >>> apply_overrides({"a": {"b": "1"}}, {"a.b": "2", "c.d": "3"})
    {'a': {'b': '2'}, 'c': {'d': '3'}}
    """
    result: dict[str, Any] = json.loads(json.dumps(values))
    for dotted, value in overrides.items():
        target = result
        *parents, last = dotted.split(".")
        for name in parents:
            inner = target.setdefault(name, {})
            if not isinstance(inner, dict):
                raise InvalidInput(f"cannot set {dotted!r}: {name!r} is not an object")
            target = inner
        if last in target and not isinstance(target[last], str):
            raise InvalidInput(f"cannot set {dotted!r}: its present value is not a string")
        target[last] = value
    return result


def _credential_set(folder: Path | None, key: object, kind: object) -> dict[str, Any]:
    if key is not None:
        if folder is None:
            raise InvalidInput(
                f"cannot load the credential set {key!r}: ENTREPOT_CREDENTIALS is not set"
            )
        return _read(folder, str(key))
    if folder is None:
        return {}
    for name in ([f"default_{kind}"] if isinstance(kind, str) else []) + ["default"]:
        if (folder / f"{name}.json").exists():
            return _read(folder, name)
    return {}


def _read(folder: Path, name: str) -> dict[str, Any]:
    if "/" in name or name.startswith("."):
        raise InvalidInput(f"{name!r} is not the name of a credential set")
    file = folder / f"{name}.json"
    if not file.exists():
        known = sorted(path.stem for path in folder.glob("*.json"))
        raise InvalidInput(
            f"there is no credential set {name!r}; known: {', '.join(known) or 'none'}"
        )
    try:
        values = expand_variables(json.loads(file.read_text()))
    except json.JSONDecodeError as error:
        raise InvalidInput(f"the credential set {name!r} is not JSON: {error.msg}") from error
    if not isinstance(values, dict):
        raise InvalidInput(f"the credential set {name!r} is not a JSON object")
    return values
