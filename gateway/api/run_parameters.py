"""The parameters of a run that a caller may ask for: decided here, and nothing is asked of Prefect.

A caller names repositories of its own tenant, and nothing else leads anywhere. What runs code of
the caller's choice on a worker, or names folders of it, takes an admin who shares it with nobody.

>>> may = RunPermissions({"drop": "drop", "shelf": "file:///srv/shelf"}.__getitem__, admin=False)
>>> parameters("sync", {"destinations": ["shelf"], "mode": "mirror"}, {"source": "drop"}, may)
{'destinations': ['file:///srv/shelf'], 'mode': 'mirror', 'source': 'drop'}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from catalog.errors import InvalidInput
from gateway.http.errors import Refused

REPOSITORIES = frozenset(
    ("source", "destinations", "sources", "repository", "repositories", "base_repository", "to")
)
"""Parameters whose every text is a repository."""
NESTED = frozenset(("add", "keep_versions"))
"""Parameters that hold a list of objects, each with a `repository` of its own."""
CODE = frozenset(("checks", "steps", "contracts", "webhook"))
"""Parameters that name code, files or addresses which a worker would run, read or ask."""
WORKER = frozenset(
    ("directory", "archive", "file", "staging", "upstream", "upstream_secret", "manifest")
)
"""Parameters that lead to a worker's own folders, or to another instance."""
OWN = frozenset(
    (
        *("sync", "plan", "apply", "plan-restore", "plan-modify", "restore", "promote", "modify"),
        *("verify", "repair", "adopt", "fetch", "reclaim", "retain", "delete-version", "explain"),
    )
)
"""Flows that touch nothing but the repositories that they are given."""
MARKS = ("$ref", "__prefect_kind")
"""Keys by which Prefect would put a block or a variable of its own where a value stands."""


@dataclass(frozen=True, slots=True)
class RunPermissions:
    """What a caller may: `reference` returns what leads a worker to a repository of the tenant."""

    reference: Callable[[str], str]
    admin: bool
    shared: bool = False  # the workers serve other tenants too


def parameters(
    flow: str, given: Mapping[str, Any], filled: Mapping[str, str], may: RunPermissions
) -> dict[str, Any]:
    """Return the parameters of a run out of those `given` and those that its path says.

    Raises:
        Refused: 403 where the caller may not ask for this.
        InvalidInput: a parameter cannot be used.
        RepositoryNotFound: the tenant has no repository so named.
    """
    if may.shared and flow not in OWN:
        raise Refused(
            403,
            f"the flow {flow!r} is not for callers of a gateway that serves several tenants",
            kind="Forbidden",
        )
    for name in given:
        if name in filled:
            raise InvalidInput(f"{name!r} is said by the path of the request already")
        if name in CODE | WORKER and (may.shared or not may.admin):
            whom = "nobody's, where tenants share a gateway" if may.shared else "an admin's to give"
            raise Refused(403, f"the parameter {name!r} is {whom}", kind="Forbidden")
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
    raise InvalidInput(f"{name!r} takes names of repositories, not {value!r}")


def _refuse_marks(value: object) -> None:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        for mark in MARKS:
            if mark in fields:
                raise InvalidInput(f"a parameter may not hold {mark!r}: name what is meant")
        for one in fields.values():
            _refuse_marks(one)
    elif isinstance(value, list):
        for one in value:
            _refuse_marks(one)
