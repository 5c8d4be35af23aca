"""The lists in an archive, one entry a line: resources by path, artifacts by digest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from pydantic import ConfigDict, TypeAdapter

from catalog.errors import InvalidInput
from catalog.formats.strict_json import check_sha256, is_sha256, parse_json_object, read_json
from catalog.model.version import ContentRow
from catalog.paths import check_path


def format_content(rows: Iterable[ContentRow]) -> Iterator[str]:
    """Yield a line for each row, which must have a size and a digest."""
    for row in rows:
        known = {
            "path": row.path,
            "size": row.size,
            "sha256": row.digest,
            "modified_us": row.modified_us,
            "content_type": row.content_type,
            "properties": row.properties,
        }
        fields = {name: value for name, value in known.items() if value is not None}
        yield json.dumps(fields, sort_keys=True, ensure_ascii=False) + "\n"


def parse_content(lines: Iterable[str]) -> Iterator[ContentRow]:
    """Yield the rows of such lines; `InvalidInput` names the first invalid one."""
    previous = ""
    for number, line in enumerate(lines, 1):
        try:
            row = _parse_row(line)
        except InvalidInput as error:
            raise InvalidInput(f"line {number} cannot be read: {error}") from error
        if row.path <= previous:
            raise InvalidInput(f"line {number} is out of order: {row.path!r} after {previous!r}")
        previous = row.path
        yield row


def format_artifact(digest: str, size: int) -> str:
    """Return the line of an artifact."""
    return f"{digest} {size}\n"


def parse_artifacts(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield digest and size of such lines; `InvalidInput` names the first invalid one."""
    previous = ""
    for number, line in enumerate(lines, 1):
        digest, _, size = line.rstrip("\n").partition(" ")
        if not is_sha256(digest) or not (size.isascii() and size.isdigit()):
            raise InvalidInput(f"line {number} is not '<sha256> <size>'")
        if digest <= previous:
            raise InvalidInput(f"line {number} is out of order")
        previous = digest
        yield digest, int(size)


def _parse_row(line: str) -> ContentRow:
    entry = read_json(_line_adapter(), line)
    if entry.size < 0:
        raise InvalidInput(f"{entry.path!r} has a negative size")
    if entry.properties is not None:
        parse_json_object(entry.properties)
    return ContentRow(
        check_path(entry.path),
        entry.size,
        None,
        entry.modified_us,
        check_sha256(entry.sha256),
        entry.content_type,
        entry.properties,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    path: str
    size: int
    sha256: str
    modified_us: int | None = None
    content_type: str | None = None
    properties: str | None = None


@cache
def _line_adapter() -> TypeAdapter[_Line]:
    return TypeAdapter(_Line)
