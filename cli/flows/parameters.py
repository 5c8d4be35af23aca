"""How the parameters of a flow are typed by hand, where everything is text.

A repository is its block's name, a path or a URL. Where a flow takes a mapping or a list beside
text, or in place of numbers, it is given as JSON: a text that begins with `{` or `[`.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from catalog.errors import InvalidInput

Hint = Any
"""A type as a value."""
PLAIN = (str, int, float, type(None))


def command_signature(function: Callable[..., object]) -> inspect.Signature:
    """Return a function's signature with the types that a command line can give."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[
            one.replace(annotation=_by_hand(hints[one.name]))
            for one in signature.parameters.values()
        ]
    )


def parse_json_arguments(
    function: Callable[..., object], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was typed with JSON read, where the function takes more than text.

    Raises:
        InvalidInput: what begins like JSON is none.
    """
    hints = get_type_hints(function, include_extras=True)
    return {
        name: value if _by_hand(hints[name]) == hints[name] else _read(name, value, hints[name])
        for name, value in given.items()
    }


def _by_hand(hint: Hint) -> Hint:
    kinds = _alternatives(hint)
    if len(kinds) == 1:
        return list[_by_hand(get_args(hint)[0])] if _is(hint, list) else hint  # type: ignore[misc]
    if str in kinds:
        kept = [one for one in kinds if one in PLAIN]
    elif any(_is(one, dict) for one in kinds):
        kept = [_or_text(one) for one in kinds if not _is(one, dict)]
    else:
        kept = [_by_hand(one) for one in kinds]
    return Union[tuple(kept)]  # noqa: UP007 - made of a tuple


def _or_text(hint: Hint) -> Hint:
    return list[get_args(hint)[0] | str] if _is(hint, list) else hint  # type: ignore[misc]


def _alternatives(hint: Hint) -> tuple[Hint, ...]:
    return get_args(hint) if _is(hint, Union) or _is(hint, types.UnionType) else (hint,)


def _is(hint: Hint, kind: object) -> bool:
    origin: object = get_origin(hint)
    return origin is kind


def _read(name: str, value: Any, hint: Hint) -> Any:  # noqa: ANN401 - what was typed
    if isinstance(value, list):
        found = [_json(name, one) for one in value]
        whole = any(_is(one, dict) for one in _alternatives(hint))
        return found[0] if whole and len(found) == 1 and isinstance(found[0], dict) else found
    return _json(name, value)


def _json(name: str, value: object) -> object:
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidInput(f"{name} {value!r} begins like JSON and is none: {error}") from error
