"""Carries an error of ours from whoever folded an order to whoever gave it."""

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

_FACTS: dict[type[CatalogError], tuple[str, ...]] = {  # what each constructor takes
    PathConflict: ("file", "below"),
    DigestNotAllowed: ("path", "declared", "allowed"),
    NotRecorded: ("kind", "name"),
    ContentConflict: (),
    NothingMatched: (),
    InvalidInput: (),
    CatalogBroken: (),
}
_NAMED = {kind.__name__: kind for kind in _FACTS}


def refusal(error: CatalogError) -> dict[str, object]:
    """Return `error` as JSON."""
    kind = next(one for one in type(error).__mro__ if one in _FACTS)
    facts: list[object] = [getattr(error, name) for name in _FACTS[kind]] or [str(error)]
    return {"refused": kind.__name__, "facts": facts}


def raise_refusal(result: dict[str, object]) -> None:
    """Raise the error that a result stands for, if it does."""
    name = result.get("refused")
    if name is None:
        return
    facts = [
        tuple(cast("list[str]", fact)) if isinstance(fact, list) else fact
        for fact in cast("list[object]", result["facts"])
    ]
    raise cast("Callable[..., CatalogError]", _NAMED[str(name)])(*facts)
