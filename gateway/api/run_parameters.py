"""Checks and resolves the parameters of a run, without calling Prefect.

Callers may only use repositories of their own tenant. Parameters that run custom code on a worker,
or name its folders, require an admin, and a gateway with a single tenant.

>>> may = RunPermissions({"drop": "drop", "shelf": "file:///srv/shelf"}.__getitem__, admin=False)
>>> parameters("sync", {"destinations": ["shelf"], "mode": "mirror"}, {"source": "drop"}, may)
{'destinations': ['file:///srv/shelf'], 'mode': 'mirror', 'source': 'drop'}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from catalog.errors import InvalidInput
from gateway.http.errors import RequestRefused

REPOSITORIES = frozenset(
    ("source", "destinations", "sources", "repository", "repositories", "base_repository", "to")
)
"""Parameters in which every text is a repository."""
NESTED = frozenset(("add", "keep_versions"))
"""Parameters with a list of objects that have a `repository`."""
CODE = frozenset(("checks", "steps", "contracts", "webhook"))
"""Parameters with code, files or URLs that a worker would run, read or call."""
WORKER = frozenset(
    ("directory", "archive", "file", "staging", "upstream", "upstream_secret", "manifest")
)
"""Parameters with a worker's own folders, or another instance."""
OWN = frozenset(
    (
        *("sync", "plan", "apply", "plan-restore", "plan-modify", "restore", "promote", "modify"),
        *("verify", "repair", "adopt", "fetch", "reclaim", "retain", "delete-version", "explain"),
    )
)
"""Flows that use only the repositories in their parameters."""
MARKS = ("$ref", "__prefect_kind")
"""Keys that Prefect would replace with a block or a variable."""


@dataclass(frozen=True, slots=True)
class RunPermissions:
    """A caller's permissions; `reference` resolves a name for a worker."""

    reference: Callable[[str], str]
    admin: bool
    shared: bool = False  # the workers also serve other tenants


def parameters(
    flow: str, given: Mapping[str, Any], filled: Mapping[str, str], may: RunPermissions
) -> dict[str, Any]:
    """Return the parameters of a run from those `given` and those `filled` from the path.

    Raises:
        Refused: 403 if the caller may not set a parameter.
        InvalidInput: a parameter is invalid.
        RepositoryNotFound: the tenant has no repository with this name.
    """
    if may.shared and flow not in OWN:
        raise RequestRefused(
            403,
            f"the flow {flow!r} is not allowed on a gateway that serves several tenants",
            kind="Forbidden",
        )
    for name in given:
        if name in filled:
            raise InvalidInput(f"remove the parameter {name!r}: the path of the request sets it")
        if name in CODE | WORKER and (may.shared or not may.admin):
            why = "is not allowed with several tenants" if may.shared else "requires an admin"
            raise RequestRefused(403, f"the parameter {name!r} {why}", kind="Forbidden")
    _refuse_marks(given)
    found = {name: _resolve_value(name, value, may.reference) for name, value in given.items()}
    return {**found, **filled}


def _resolve_value(name: str, value: object, reference: Callable[[str], str]) -> object:
    if name in REPOSITORIES:
        return _resolve_references(name, value, reference)
    if name in NESTED and isinstance(value, list):
        return [_resolve_nested(one, reference) for one in value]
    return value


def _resolve_nested(one: object, reference: Callable[[str], str]) -> object:
    if not isinstance(one, dict):
        return one
    fields = cast("dict[str, Any]", one)
    return {key: _resolve_value(key, value, reference) for key, value in fields.items()}


def _resolve_references(name: str, value: object, reference: Callable[[str], str]) -> object:
    if value is None:
        return None
    if isinstance(value, str):
        return reference(value)
    if isinstance(value, list):
        return [_resolve_references(name, one, reference) for one in value]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: _resolve_references(name, one, reference) for key, one in fields.items()}
    raise InvalidInput(f"{name!r} must contain names of repositories, not {value!r}")


def _refuse_marks(value: object) -> None:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        for mark in MARKS:
            if mark in fields:
                raise InvalidInput(f"parameters must not contain {mark!r}: use the value itself")
        for one in fields.values():
            _refuse_marks(one)
    elif isinstance(value, list):
        for one in value:
            _refuse_marks(one)
