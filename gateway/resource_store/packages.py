"""Artifact packages: zips whose `metadata.yml` describes them. Nothing else in them is read.

>>> Coordinates.parse("model:org.acme:fraud:1.10").path
'model/org/acme/fraud/1.10'
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO

import yaml

from catalog.errors import InvalidInput

MAX_METADATA = 64 * 2**10  # bytes of a metadata.yml
MAX_DIRECTORY = 4 * 2**20  # bytes of a zip's directory; Python needs ten times as much memory
MAX_DEPTH = 20  # nested mappings and lists
NAMES = ("metadata.yml", "metadata.yaml")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+\-]{0,127}")
_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-]*(\.[A-Za-z0-9_][A-Za-z0-9_\-]*)*")
_KEYS = ("type", "group", "artifact", "version")


@dataclass(frozen=True, slots=True, order=True)
class Coordinates:
    """The coordinates of an artifact; `group` is dotted."""

    type: str
    group: str
    artifact: str
    version: str

    def __post_init__(self) -> None:
        """Refuse values that cannot be part of a path."""
        for key in ("type", "artifact", "version"):
            if not _WORD.fullmatch(getattr(self, key)):
                raise InvalidInput(
                    f"the {key} {getattr(self, key)[:80]!r} is invalid: use letters, digits, ._+-"
                )
        if len(self.group) > 255 or not _GROUP.fullmatch(self.group):
            raise InvalidInput(
                f"the group {self.group[:80]!r} is invalid: expected words separated by dots"
            )

    @classmethod
    def parse(cls, text: str) -> Coordinates:
        """Parse `type:group:artifact:version`."""
        parts = text.split(":")
        if len(parts) != 4:
            raise InvalidInput(f"{text[:200]!r} is invalid: expected type:group:artifact:version")
        return cls(*parts)

    def __str__(self) -> str:
        """Return `type:group:artifact:version`."""
        return f"{self.type}:{self.group}:{self.artifact}:{self.version}"

    @property
    def path(self) -> str:
        """Return the folder of its file."""
        return "/".join((self.type, *self.group.split("."), self.artifact, self.version))


@dataclass(frozen=True, slots=True)
class PackageMetadata:
    """The content of a metadata.yml: coordinates, and everything else as properties."""

    coordinates: Coordinates
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


def parse_metadata(text: bytes) -> PackageMetadata:
    """Parse a metadata.yml; numbers keep their spelling.

    >>> parse_metadata(b"{type: t, group: g, artifact: a, version: 1.10}").coordinates.path
    't/g/a/1.10'

    Raises:
        InvalidInput: it is not a mapping of texts, or lacks a coordinate.
    """
    if len(text) > MAX_METADATA:
        raise InvalidInput(f"the metadata is longer than {MAX_METADATA:,} bytes")
    try:
        _check(yaml.parse(text, Loader=yaml.BaseLoader))
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it creates only strings
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidInput("the metadata is not valid YAML") from error
    if not isinstance(found, dict):
        raise InvalidInput("the metadata is not a mapping")
    texts = {str(key): one if isinstance(one, str) else _flatten(one) for key, one in found.items()}
    lacking = [key for key in _KEYS if not texts.get(key)]
    if lacking:
        raise InvalidInput(f"the metadata lacks {', '.join(lacking)}")
    coordinates = Coordinates(*(texts.pop(key) for key in _KEYS))
    return PackageMetadata(coordinates, {key: one for key, one in texts.items() if one})


def _check(events: Iterable[object]) -> None:
    """Refuse aliases and deep nesting, which could take very long, or gigabytes, to load."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise InvalidInput("the metadata has an alias (*name), which is not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise InvalidInput(f"the metadata is nested more than {MAX_DEPTH} levels deep")


def metadata_of(package: IO[bytes], name: str) -> PackageMetadata:
    """Read the metadata.yml of a package.

    Raises:
        InvalidInput: it is not a zip, or has no valid metadata.yml.
    """
    try:
        with zipfile.ZipFile(_BoundedReader(package)) as archive:
            for member in NAMES:
                if member in archive.namelist():
                    with archive.open(member) as file:
                        return parse_metadata(file.read(MAX_METADATA + 1))
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,  # unsupported compression
        RuntimeError,  # encrypted
        EOFError,
        OverflowError,
        ValueError,
        OSError,
    ) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"the package {name[:200]!r} is not a valid zip file") from error
    raise InvalidInput(f"the package {name[:200]!r} contains no {NAMES[0]}")


class _BoundedReader(io.RawIOBase):
    """A file with a limit for single reads, which bounds a zip's directory."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        if size > MAX_DIRECTORY:
            raise zipfile.BadZipFile("its directory is too large")
        return self._file.read(MAX_DIRECTORY if size < 0 else size)


def _flatten(value: object) -> str:
    """Return a list or mapping, such as a list of tags, as text.

    >>> _flatten(["a", {"b": "c"}])
    'a, b: c'
    """
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flatten(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_flatten, value))
    return str(value)
