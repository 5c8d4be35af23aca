"""Carries an error from the process that applied an order to the one that submitted it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from catalog.errors import (
    CatalogBroken,
    CatalogError,
    ContentConflict,
    DigestNotAllowed,
    InvalidInput,
    NothingMatched,
    NotRecorded,
    PathConflict,
)

_CONSTRUCTOR_ARGUMENTS: dict[type[CatalogError], tuple[str, ...]] = {  # what each constructor takes
    PathConflict: ("file", "below"),
    DigestNotAllowed: ("path", "declared", "allowed"),
    NotRecorded: ("kind", "name"),
    ContentConflict: (),
    NothingMatched: (),
    InvalidInput: (),
    CatalogBroken: (),
}
_ERRORS_BY_NAME = {kind.__name__: kind for kind in _CONSTRUCTOR_ARGUMENTS}


def error_to_json(error: CatalogError) -> dict[str, object]:
    """Return `error` as JSON."""
    kind = next(base for base in type(error).__mro__ if base in _CONSTRUCTOR_ARGUMENTS)
    facts: list[object] = [getattr(error, name) for name in _CONSTRUCTOR_ARGUMENTS[kind]] or [
        str(error)
    ]
    return {"refused": kind.__name__, "facts": facts}


def raise_if_refused(result: dict[str, object]) -> None:
    """Raise the error that a result carries, if it has one."""
    name = result.get("refused")
    if name is None:
        return
    facts = [
        tuple(cast("list[str]", fact)) if isinstance(fact, list) else fact
        for fact in cast("list[object]", result["facts"])
    ]
    raise cast("Callable[..., CatalogError]", _ERRORS_BY_NAME[str(name)])(*facts)
