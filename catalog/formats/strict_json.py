"""JSON of an archive, read as what it came as: text from outside."""

from __future__ import annotations

import json
import re
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from catalog.errors import InvalidInput

_T = TypeVar("_T")
_HEX = re.compile(r"[0-9a-f]{64}")


def parse_json_object(text: bytes | str) -> dict[str, object]:
    """Return a JSON object; `InvalidInput` says what it is instead."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"it is no JSON: {error}") from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise InvalidInput("it is no JSON object")
    return found  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


def read_json(adapter: TypeAdapter[_T], text: bytes | str) -> _T:
    """Return the value that a text holds; `InvalidInput` names the fields that are wrong."""
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:10]
        )
        raise InvalidInput(told) from error


def is_sha256(text: str) -> bool:
    """Say whether a text is a sha256 in hex."""
    return _HEX.fullmatch(text) is not None


def check_sha256(digest: str) -> str:
    """Return a sha256 in hex; `InvalidInput` where it is none."""
    if not is_sha256(digest):
        raise InvalidInput(f"{digest!r} is not a sha256 of 64 hex digits")
    return digest
