"""How the reference is written: tables, and types and defaults as a reader knows them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; what would end a cell is escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def kind(hint: object) -> str:
    """Return a type in words: `text`, `list of text`, the choices of an enum."""
    arguments = typing.get_args(hint)
    if arguments:
        return _made_of(typing.get_origin(hint), arguments)
    if inspect.isclass(hint) and issubclass(hint, Enum):
        return " or ".join(f"`{one.value}`" for one in hint)
    return WORDS.get(hint) or f"`{getattr(hint, '__name__', hint)}`"


def _made_of(origin: object, arguments: tuple[object, ...]) -> str:
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin in {typing.Union, types.UnionType}:
        given = [one for one in arguments if one is not type(None)]
        return " or ".join(dict.fromkeys(kind(one) for one in given))
    if origin is dict:
        return f"mapping of {kind(arguments[0])} to {kind(arguments[1])}"
    return kind(arguments[0]) if origin is typing.Annotated else f"list of {kind(arguments[0])}"


WORDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    dict: "mapping",
    Path: "path",
    SecretStr: "secret text",
    typing.Any: "anything",
}


def default(value: object) -> str:
    """Return a default as a reader would write it; nothing where there is none."""
    if isinstance(value, SecretStr) or value is None or value in ("", [], (), {}):
        return ""
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(f"`{one}`" for one in value)
    if isinstance(value, BaseModel):
        return "as below"
    return f"`{value}`"


def default_of(field: FieldInfo) -> str:
    """Return a field's default, or that it must be given."""
    if field.is_required():
        return "**required**"
    if field.default is PydanticUndefined:
        made = field.get_default(call_default_factory=True, validated_data={})
        return default(made)
    return default(field.default)


def fields(model: type[BaseModel]) -> str:
    """Return the fields of a model as a table."""
    return table(
        ("field", "shown as", "what", "type", "default"),
        (
            (
                f"`{name}`",
                field.title or "",
                field.description or "",
                kind(field.annotation),
                default_of(field),
            )
            for name, field in model.model_fields.items()
        ),
    )


def first_sentences(docstring: str | None) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join(inspect.cleandoc(docstring or "").split("\n\n")[0].split())
