"""The `Subject` of a provider's conformance tests, and their helper functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from catalog.model.digest import Digest
from catalog.model.gap import Gap, Listed, files_collecting_gaps
from catalog.model.resource import Resource
from providers.base import Attributes, OpenOptions, ProviderSettings, Storage, Timeouts

LARGE = bytes(range(251)) * 40_000  # about 10 MB: several blocks, parts and windows of every kind
OPTIONS = OpenOptions(connections=16, timeouts=Timeouts(connect_s=2.0, read_s=10.0, write_s=10.0))
NAMES = {
    "spaces": "a b/ c  d.txt",
    "trailing": "dot./space /x",
    "unicode": "ünï/日本/😀.txt",
    "combining": "u\u0308.txt",
    "url": "a#b?c%20&d;e[1]*.txt",
    "percent": "100%/%2F/%zz",
    "signs": "a+b=c@d,e:f!$'()~^`{|}",
    "newline": "line\nbreak.txt",
    "control": "bell\x07.txt",
    "dots": ".hidden/..x/...",
    "longest": "n" * 255,
    "backslash": "back\\slash",
    "quotes": 'it\'s "quoted" <b>&amp;',
    "deep": "a/b/c/d/e/f/g/h",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider under test: an empty storage, and direct access to its content.

    `seed` creates a file; `raw` lists all files, temporary ones included; `dead` are settings of an
    address where no server listens; `refused` are the ids of NAMES that it cannot store, `mangled`
    of those that the test server changes, which is not our fault.
    """

    settings: ProviderSettings
    storage: Storage
    seed: Callable[[str, bytes], object]
    raw: Callable[[], Iterable[str]] | None = None
    dead: ProviderSettings | None = None
    refused: frozenset[str] = frozenset()
    mangled: frozenset[str] = frozenset()
    secret: str = "s3cret"


def seed_through(storage: Storage) -> Callable[[str, bytes], object]:
    """Return a `seed` function that writes through the storage itself."""
    return lambda path, data: storage.put(path, data, Attributes())


def files_of(listed: Iterable[Listed]) -> list[Resource]:
    """Return the files of a listing, which must have no gaps."""
    gaps: list[Gap] = []
    found = list(files_collecting_gaps(listed, gaps))
    assert not gaps, gaps
    return found


def names(listed: Iterable[Listed]) -> list[str]:
    """Return the sorted paths of a listing, which must have no gaps."""
    return sorted(file.path for file in files_of(listed))


def digest_of(data: bytes) -> Digest:
    """Return the sha256 of bytes."""
    return Digest("sha256", sha256(data).hexdigest())


def chunks(data: bytes, size: int = 1_000_003) -> Iterable[bytes]:
    """Yield bytes in pieces that match no block size."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read_all(storage: Storage, path: str, *, start: int = 0, length: int | None = None) -> bytes:
    """Read a file or a range of it."""
    reader = storage.read(path, start=start, length=length)
    try:
        return b"".join(bytes(chunk) for chunk in reader)
    finally:
        reader.close()
