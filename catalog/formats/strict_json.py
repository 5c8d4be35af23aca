"""Parsing of untrusted JSON, such as an archive's."""

from __future__ import annotations

import json
import re
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from catalog.errors import InvalidInput

_T = TypeVar("_T")
_HEX = re.compile(r"[0-9a-f]{64}")


def parse_json_object(text: bytes | str) -> dict[str, object]:
    """Parse a JSON object; `InvalidInput` says what is wrong."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise InvalidInput("it is not a JSON object")
    return found  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


def read_json(adapter: TypeAdapter[_T], text: bytes | str) -> _T:
    """Parse and validate JSON; `InvalidInput` names the invalid fields."""
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:10]
        )
        raise InvalidInput(problems) from error


def is_sha256(text: str) -> bool:
    """Say whether a text is a sha256 in hex."""
    return _HEX.fullmatch(text) is not None


def check_sha256(digest: str) -> str:
    """Return a sha256 in hex; `InvalidInput` for anything else."""
    if not is_sha256(digest):
        raise InvalidInput(f"{digest!r} is not a sha256 of 64 hex digits")
    return digest
