"""The format of archives, which carry versions of repositories to another site.

An archive is a tar in this order: `archive.json` (the head), `versions/<place>/<number>.jsonl` (a
resource a line, in path order) for each version of each repository, `artifacts.txt`
(`<sha256> <size>` a line, in order), and each of those artifacts once as
`artifacts/sha256/ab/cdef…`, in that order. So a reader always knows what must follow, and at the
end what is missing. The table of contents beside it repeats the head and names the chunks with
their digests.

Version 1 of the format held one repository, with its lists in `versions/<number>.jsonl`. It is
still read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from catalog.errors import InvalidInput
from catalog.formats.strict_json import check_sha256, parse_json_object, read_json
from catalog.paths import check_path

FORMAT = "entrepot-archive"
FORMAT_VERSION = 2
LEGACY_VERSION = 1  # the version of the format that held one repository
HEAD = "archive.json"
ARTIFACTS = "artifacts.txt"
TOC = "-toc.json"  # suffix of a table of contents
MAX_PROBLEMS_SHOWN = 100  # problems that a message names


class ArchiveRefused(InvalidInput):
    """An archive cannot be used; `problems` has everything that is wrong with it."""

    def __init__(self, name: str, problems: tuple[str, ...]) -> None:
        """Name the archive and its problems."""
        more = (
            [f"… and {len(problems) - MAX_PROBLEMS_SHOWN} more"]
            if len(problems) > MAX_PROBLEMS_SHOWN
            else []
        )
        first = f"cannot use the archive {name!r}, {len(problems):,} problems found"
        super().__init__("\n  ".join((first, *problems[:MAX_PROBLEMS_SHOWN], *more)))
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


@dataclass(frozen=True, slots=True)
class ArchivedRepository:
    """The versions of one repository in an archive; none if nothing is newer than `since`."""

    name: str  # in the archive
    address: str  # at the site that exported it
    since: int | None  # the version that the importing site must have; None for a full export
    versions: tuple[ArchivedVersion, ...]  # the oldest first

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of its versions, the oldest first."""
        return tuple(version.number for version in self.versions)

    @property
    def newest(self) -> int | None:
        """Return the newest version that a site has after importing this."""
        return self.versions[-1].number if self.versions else self.since


@dataclass(frozen=True, slots=True)
class Head:
    """The contents of an archive, in its first member."""

    export_id: str
    created_at: datetime
    repositories: tuple[ArchivedRepository, ...]
    artifacts: int
    artifact_bytes: int
    meta: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    format: str = FORMAT
    format_version: int = FORMAT_VERSION

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its repositories."""
        return tuple(repository.name for repository in self.repositories)

    def repository(self, name: str) -> ArchivedRepository:
        """Return the repository of that name."""
        return self.repositories[self.names.index(name)]

    def list_path(self, name: str, number: int) -> str:
        """Return the name of the member that lists a version."""
        return list_name(
            None if self.format_version == LEGACY_VERSION else self.names.index(name), number
        )

    def version_lists(self) -> Iterator[tuple[str, ArchivedVersion]]:
        """Yield the name of each list with its version, in the order of the tar."""
        for repository in self.repositories:
            for version in repository.versions:
                yield self.list_path(repository.name, version.number), version


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


def list_name(place: int | None, number: int) -> str:
    """Return the name of a version's list; `place` is where its repository stands in the head.

    >>> list_name(0, 7)
    'versions/0/7.jsonl'
    """
    return f"versions/{number}.jsonl" if place is None else f"versions/{place}/{number}.jsonl"


def to_json(value: Head | Toc) -> bytes:
    """Return a head or a table of contents as JSON; equal values give equal bytes."""
    text = json.dumps(
        asdict(value), sort_keys=True, indent=1, default=_encode_datetime, ensure_ascii=False
    )
    return text.encode() + b"\n"


def head_from_json(text: bytes) -> Head:
    """Parse a head; `InvalidInput` says what is wrong."""
    return _parse_head(parse_json_object(text))


def toc_from_json(text: bytes) -> Toc:
    """Parse a table of contents; `InvalidInput` says what is wrong."""
    fields = parse_json_object(text)
    head = _parse_head(fields.get("archive"))
    chunks = read_json(TypeAdapter(tuple[Chunk, ...]), json.dumps(fields.get("chunks")))
    for chunk in chunks:
        if "/" in check_path(chunk.name):
            raise InvalidInput(f"the chunk {chunk.name!r} is not beside its table of contents")
        check_sha256(chunk.sha256)
    return Toc(head, chunks)


@dataclass(frozen=True, slots=True)
class _LegacyHead:
    """The head in version 1 of the format, for one repository."""

    export_id: str
    created_at: datetime
    address: str
    label: str
    since: int | None
    versions: tuple[ArchivedVersion, ...]
    artifacts: int
    artifact_bytes: int
    meta: dict[str, str]

    def to_head(self) -> Head:
        """Convert to the current form."""
        only = ArchivedRepository(self.label, self.address, self.since, self.versions)
        counts = (self.artifacts, self.artifact_bytes)
        return Head(
            self.export_id,
            self.created_at,
            (only,),
            *counts,
            self.meta,
            format_version=LEGACY_VERSION,
        )


def _parse_head(value: object) -> Head:
    """Parse a head of any known version of the format."""
    fields = value if isinstance(value, dict) else {}
    name: object = fields.get("format")
    if name != FORMAT:
        raise InvalidInput(f"its format is {name!r}, expected {FORMAT!r}")
    version: object = fields.get("format_version")
    if version == LEGACY_VERSION:
        return read_json(TypeAdapter(_LegacyHead), json.dumps(fields)).to_head()
    if version != FORMAT_VERSION:
        raise InvalidInput(
            f"its format_version is {version!r}, this program reads {LEGACY_VERSION} "
            f"and {FORMAT_VERSION}"
        )
    head = read_json(TypeAdapter(Head), json.dumps(fields))
    if len(set(head.names)) != len(head.names):
        raise InvalidInput(f"several of its repositories have one name: {', '.join(head.names)}")
    return head


def _encode_datetime(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON")
