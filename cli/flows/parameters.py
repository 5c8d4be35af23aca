"""How the parameters of a flow are typed on a command line, where everything is text.

A repository is its block's name, a path or a URL. If a flow accepts a mapping or a list as well as
text or numbers, the mapping or list is given as JSON: a text that begins with `{` or `[`. A mapping
of texts may also be given as `key=value`, more of them separated by commas.
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
    """Return a function's signature with types that can be given on a command line."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[
            parameter.replace(annotation=_command_line_type(hints[parameter.name]))
            for parameter in signature.parameters.values()
        ]
    )


def parse_json_arguments(
    function: Callable[..., object], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments, with JSON parsed where the function accepts more than text.

    Raises:
        InvalidInput: a text begins like JSON and is not JSON.
    """
    hints = get_type_hints(function, include_extras=True)
    return {
        name: value
        if _command_line_type(hints[name]) == hints[name]
        else _parse(name, value, hints[name])
        for name, value in arguments.items()
    }


def _command_line_type(hint: Hint) -> Hint:
    kinds = _alternatives(hint)
    if len(kinds) == 1:
        element = get_args(hint)[0] if _is(hint, list) else None
        return hint if element is None else list[_command_line_type(element)]  # type: ignore[misc]
    if str in kinds:
        kept = [kind for kind in kinds if kind in PLAIN]
    elif any(_is(kind, dict) for kind in kinds):
        kept = [_or_text(kind) for kind in kinds if not _is(kind, dict)]
        if set(kept) <= {type(None)}:
            kept.append(str)
    else:
        kept = [_command_line_type(kind) for kind in kinds]
    return Union[tuple(kept)]  # noqa: UP007 - made of a tuple


def _or_text(hint: Hint) -> Hint:
    return list[get_args(hint)[0] | str] if _is(hint, list) else hint  # type: ignore[misc]


def _alternatives(hint: Hint) -> tuple[Hint, ...]:
    return get_args(hint) if _is(hint, Union) or _is(hint, types.UnionType) else (hint,)


def _is(hint: Hint, kind: object) -> bool:
    origin: object = get_origin(hint)
    return origin is kind


def _parse(name: str, value: Any, hint: Hint) -> Any:  # noqa: ANN401 - any argument
    if isinstance(value, list):
        items = [_parse_json(name, item) for item in value]
        mapping = any(_is(kind, dict) for kind in _alternatives(hint))
        return items[0] if mapping and len(items) == 1 and isinstance(items[0], dict) else items
    parsed = _parse_json(name, value)
    if isinstance(parsed, str) and dict[str, str] in _alternatives(hint):
        return _parse_pairs(name, parsed)
    return parsed


def _parse_pairs(name: str, text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    for key, equals, _ in pairs:
        if not key.strip() or not equals:
            raise InvalidInput(f"{name}: expected key=value or a JSON object, found {text!r}")
    return {key.strip(): value for key, _, value in pairs}


def _parse_json(name: str, value: object) -> object:
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidInput(
            f"{name} {value!r} begins like JSON but is not valid: {error}"
        ) from error
