"""Reads an archive once from start to end: verifies all of it, and unpacks its artifacts.

It finds every problem, not only the first. Unpacked files are named by digest; a name from the
archive is never used as a path.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from catalog.errors import InvalidInput
from catalog.formats.archive import (
    TOC,
    ArchivedRepository,
    ArchivedVersion,
    ArchiveRefused,
    Head,
    Toc,
    toc_from_json,
)
from catalog.formats.archive_lists import parse_content
from catalog.model.version import ContentRow
from transfer.archive.chunks import ChunkReader
from transfer.archive.verify_tar import ArchiveWalk
from transfer.workers.stop import StopFlag


@dataclass(frozen=True, slots=True)
class UnpackedArchive:
    """A verified archive: its head, and a folder with its lists and artifacts."""

    head: Head
    folder: Path

    def rows(self, name: str, number: int) -> Iterator[ContentRow]:
        """Return the resources of one version of a repository, in path order."""
        file = self.folder / self.head.list_path(name, number)
        with file.open(encoding="utf-8", newline="\n") as lines:
            yield from parse_content(lines)

    def rows_without_bytes(self, name: str, number: int) -> Iterator[ContentRow]:
        """Return the resources of a version whose bytes are not in the archive."""
        with DigestFile(self.folder / "digests") as held:
            for row in self.rows(name, number):
                if row.digest is not None and row.digest not in held:
                    yield row


class DigestFile:
    """A sorted file of digests, 32 bytes each, with binary search on disk."""

    def __init__(self, file: Path) -> None:
        """Open the file."""
        self._file = file.open("rb")
        self._size = file.stat().st_size
        # An empty file cannot be mapped.
        self._map = (
            mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._size else None
        )

    def __enter__(self) -> Self:
        """Return the digests."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._map is not None:
            self._map.close()
        self._file.close()

    def __contains__(self, digest: str) -> bool:
        """Say whether the file has a sha256 (hex)."""
        if self._map is None:
            return False
        wanted, low, high = bytes.fromhex(digest), 0, self._size // 32
        while low < high:
            middle = (low + high) // 2
            if self._map[32 * middle : 32 * middle + 32] < wanted:
                low = middle + 1
            else:
                high = middle
        return self._map[32 * low : 32 * low + 32] == wanted


def unpack(
    archive: Path,
    folder: Path,
    stop: StopFlag,
    *,
    keep: bool,
    extra_problems: Callable[[Head], Iterable[str]] = lambda _: (),
) -> UnpackedArchive:
    """Verify an archive, given its table of contents or tar, and unpack it into `folder`.

    Without `keep` its artifacts are verified, but not stored. `extra_problems` returns further
    problems, which are reported with the others.

    Raises:
        ArchiveRefused: with all problems.
    """
    walk = ArchiveWalk(folder, stop, keep=keep)
    toc, files = _archive_files(archive, walk.problems)
    head: Head | None = None
    if files:
        reader = ChunkReader(files)
        try:
            head = walk.read_all(reader)
            reader.drain()
        finally:
            reader.close()
        if toc is not None:
            _check_toc(toc, head, reader.digests, walk.problems)
    known = head or (toc.archive if toc else None)
    problems = [*walk.problems, *(extra_problems(known) if known else ())]
    if head is not None and not any(repository.versions for repository in head.repositories):
        problems.append("it has no version")
    if head is None or walk.problems:
        raise ArchiveRefused(archive.name, tuple(problems) or ("it has no chunks",))
    unpacked = UnpackedArchive(head, folder)
    problems += _check_lists(unpacked)
    if problems:
        raise ArchiveRefused(archive.name, tuple(problems))
    return unpacked


def read_toc(path: Path) -> Toc:
    """Read a table of contents, given its path."""
    try:
        return toc_from_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"cannot read {str(path)!r}: {error.strerror}") from error
    except InvalidInput as error:
        raise ArchiveRefused(path.name, (f"its table of contents: {error}",)) from error


def _archive_files(archive: Path, problems: list[str]) -> tuple[Toc | None, list[Path]]:
    """Return the files of an archive; missing chunks and wrong sizes go into `problems`."""
    if not archive.name.endswith(TOC):
        if not archive.is_file():
            raise InvalidInput(f"{str(archive)!r} is not a file: expected a {TOC} or a .tar")
        return None, [archive]
    toc = read_toc(archive)
    files: list[Path] = []
    for chunk in toc.chunks:
        file = archive.parent / chunk.name
        if not file.is_file():
            problems.append(f"the chunk {chunk.name!r} is missing")
        elif file.stat().st_size != chunk.size:
            problems.append(
                f"the chunk {chunk.name!r}: expected {chunk.size:,} bytes, "
                f"found {file.stat().st_size:,}"
            )
        files.append(file)
    if problems:
        # The tar cannot be read then, but the chunks that exist are still verified.
        for chunk, file in zip(toc.chunks, files, strict=True):
            if file.is_file() and file.stat().st_size == chunk.size:
                reader = ChunkReader([file])
                reader.drain()
                _check_digest(chunk.name, chunk.sha256, reader.digests[0], problems)
        return toc, []
    return toc, files


def _check_toc(toc: Toc, head: Head | None, digests: list[str], problems: list[str]) -> None:
    for chunk, found in zip(toc.chunks, digests, strict=True):
        _check_digest(chunk.name, chunk.sha256, found, problems)
    if head is not None and head != toc.archive:
        problems.append("its table of contents belongs to another archive")


def _check_digest(name: str, expected: str, found: str, problems: list[str]) -> None:
    if found != expected:
        problems.append(f"the chunk {name!r}: expected sha256:{expected}, found sha256:{found}")


def _check_lists(found: UnpackedArchive) -> list[str]:
    """Return the problems in the lists of an archive whose digests are all right."""
    return [
        problem
        for repository in found.head.repositories
        for version in repository.versions
        for problem in _check_list(found, repository, version)
    ]


def _check_list(
    found: UnpackedArchive, repository: ArchivedRepository, version: ArchivedVersion
) -> Iterator[str]:
    """Yield the problems in the list of one version."""
    name, number = repository.name, version.number
    what = f"version {number} of {name!r}"
    count = size = 0
    try:
        for row in found.rows(name, number):
            count, size = count + 1, size + (row.size or 0)
        if repository.since is None:
            for row in found.rows_without_bytes(name, number):
                yield f"{what}: {row.path!r} needs sha256:{row.digest}, which is not in the archive"
    except (InvalidInput, UnicodeDecodeError) as error:
        yield f"{found.head.list_path(name, number)}: {error}"
        return
    if (count, size) != (version.files, version.bytes):
        yield (
            f"{what}: expected {version.files:,} files with {version.bytes:,} bytes, "
            f"found {count:,} with {size:,}"
        )
