"""Archives: versions of a repository for another site, as the words of their table of contents.

An archive is a tar in this order: `archive.json` (the head), `versions/<number>.jsonl` (a
resource a line, in path order), `artifacts.txt` (`<sha256> <size>` a line, in order), and each of
those artifacts once as `artifacts/sha256/ab/cdef…`, in that order. So whoever reads it from the
start knows what must follow, and what is missing at the end. The table of contents beside it
repeats the head and names the chunks with their digests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from catalog.errors import InvalidInput
from catalog.paths import check_path
from catalog.version import ContentRow

_T = TypeVar("_T")
FORMAT = "entrepot-archive"
FORMAT_VERSION = 1
HEAD = "archive.json"
ARTIFACTS = "artifacts.txt"
TOC = "-toc.json"  # what the name of a table of contents ends in
NAMED = 100  # problems that a message names
_HEX = re.compile(r"[0-9a-f]{64}")


class ArchiveRefused(InvalidInput):
    """An archive cannot be used; `problems` is everything that is wrong with it."""

    def __init__(self, name: str, problems: tuple[str, ...]) -> None:
        """Name the archive, and all that is wrong."""
        more = [f"… and {len(problems) - NAMED} more"] if len(problems) > NAMED else []
        first = f"cannot use the archive {name!r}, for {len(problems)} reasons"
        super().__init__("\n  ".join((first, *problems[:NAMED], *more)))
        self.name, self.problems = name, problems


@dataclass(frozen=True, slots=True)
class ArchivedVersion:
    """One version in an archive, as the site that exported it knew it."""

    number: int
    created_at: datetime
    files: int
    bytes: int
    content_size: int  # of its member, in bytes
    content_sha256: str

    @property
    def member(self) -> str:
        """Return the name of its member."""
        return f"versions/{self.number}.jsonl"


@dataclass(frozen=True, slots=True)
class Head:
    """What an archive holds."""

    export_id: str
    created_at: datetime
    address: str  # of the repository, at the site that exported it
    label: str
    since: int | None  # the version that the other site must hold; None where all is here
    versions: tuple[ArchivedVersion, ...]  # the oldest first
    artifacts: int
    artifact_bytes: int
    meta: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    format: str = FORMAT
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Chunk:
    """One file of an archive."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Toc:
    """The table of contents: the head, and the files that make up the tar in this order."""

    archive: Head
    chunks: tuple[Chunk, ...]


def artifact_name(digest: str) -> str:
    """Return the name of an artifact's member.

    >>> artifact_name("ab" + 62 * "0")[:27]
    'artifacts/sha256/ab/0000000'
    """
    return f"artifacts/sha256/{digest[:2]}/{digest[2:]}"


def to_json(value: Head | Toc) -> bytes:
    """Return a head or a table of contents as text, stable."""
    text = json.dumps(asdict(value), sort_keys=True, indent=1, default=_moment, ensure_ascii=False)
    return text.encode() + b"\n"


def head_from_json(text: bytes) -> Head:
    """Read a head; `InvalidInput` says what is wrong."""
    _known_format(_object(text))
    return _read(TypeAdapter(Head), text)


def toc_from_json(text: bytes) -> Toc:
    """Read a table of contents; `InvalidInput` says what is wrong."""
    _known_format(_object(text).get("archive"))
    toc = _read(TypeAdapter(Toc), text)
    for chunk in toc.chunks:
        if "/" in check_path(chunk.name):
            raise InvalidInput(f"the chunk {chunk.name!r} is not beside its table of contents")
        _hex(chunk.sha256)
    return toc


def content_lines(rows: Iterable[ContentRow]) -> Iterator[str]:
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
        given = {name: value for name, value in known.items() if value is not None}
        yield json.dumps(given, sort_keys=True, ensure_ascii=False) + "\n"


def content_rows(lines: Iterable[str]) -> Iterator[ContentRow]:
    """Yield the rows of such lines; `InvalidInput` names the first that cannot be used."""
    previous = ""
    for number, line in enumerate(lines, 1):
        try:
            row = _row(line)
        except InvalidInput as error:
            raise InvalidInput(f"line {number} cannot be read: {error}") from error
        if row.path <= previous:
            raise InvalidInput(f"line {number} is out of order: {row.path!r} after {previous!r}")
        previous = row.path
        yield row


def artifact_line(digest: str, size: int) -> str:
    """Return the line of an artifact."""
    return f"{digest} {size}\n"


def artifact_lines(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield digest and size of such lines; `InvalidInput` names the first that is wrong."""
    previous = ""
    for number, line in enumerate(lines, 1):
        digest, _, size = line.rstrip("\n").partition(" ")
        if not _HEX.fullmatch(digest) or not (size.isascii() and size.isdigit()):
            raise InvalidInput(f"line {number} is not '<sha256> <size>'")
        if digest <= previous:
            raise InvalidInput(f"line {number} is out of order")
        previous = digest
        yield digest, int(size)


def _row(line: str) -> ContentRow:
    one = _read(_line_adapter(), line)
    if one.size < 0:
        raise InvalidInput(f"{one.path!r} has a size below zero")
    if one.properties is not None:
        _object(one.properties)
    return ContentRow(
        check_path(one.path),
        one.size,
        None,
        one.modified_us,
        _hex(one.sha256),
        one.content_type,
        one.properties,
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


def _known_format(found: object) -> None:
    known = {"format": FORMAT, "format_version": FORMAT_VERSION}
    given = found if isinstance(found, dict) else {}
    for name, wanted in known.items():
        value: object = given.get(name)
        if value != wanted:
            raise InvalidInput(f"its {name} is {value!r}, this program reads {wanted!r}")


def _object(text: bytes | str) -> dict[str, object]:
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"it is no JSON: {error}") from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise InvalidInput("it is no JSON object")
    return found  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


def _read(adapter: TypeAdapter[_T], text: bytes | str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:10]
        )
        raise InvalidInput(told) from error


def _hex(digest: str) -> str:
    if not _HEX.fullmatch(digest):
        raise InvalidInput(f"{digest!r} is not a sha256 of 64 hex digits")
    return digest


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON")
