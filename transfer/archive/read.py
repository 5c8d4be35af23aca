"""Read an archive from start to end once: check all of it, and unpack its artifacts.

Everything that is wrong is found, not only the first of it. What is unpacked lies under names
that are made here out of digests; no name of the archive is ever a path.
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
    """An archive that is whole: its head, and its lists and artifacts in a folder of ours."""

    head: Head
    folder: Path

    def rows(self, name: str, number: int) -> Iterator[ContentRow]:
        """Return the resources of one version of a repository, in path order."""
        file = self.folder / self.head.list_path(name, number)
        with file.open(encoding="utf-8", newline="\n") as lines:
            yield from parse_content(lines)

    def rows_without_bytes(self, name: str, number: int) -> Iterator[ContentRow]:
        """Return the resources of a version whose bytes the archive does not carry."""
        with DigestFile(self.folder / "digests") as held:
            for row in self.rows(name, number):
                if row.digest is not None and row.digest not in held:
                    yield row


class DigestFile:
    """A sorted file of digests, 32 bytes each, that is asked without being read whole."""

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
        """Say whether a sha256 (hex) is there."""
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
    """Check the archive, a table of contents or a tar, and unpack it into `folder`.

    Without `keep` its artifacts are read and compared, but not kept. `unfit` says for what it is
    not fit, though it may be whole; that is told beside all else.

    Raises:
        ArchiveRefused: it names everything that is wrong.
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
    told = head or (toc.archive if toc else None)
    problems = [*walk.problems, *(extra_problems(told) if told else ())]
    if head is not None and not any(one.versions for one in head.repositories):
        problems.append("it holds no version")
    if head is None or walk.problems:
        raise ArchiveRefused(archive.name, tuple(problems) or ("it names no file",))
    found = UnpackedArchive(head, folder)
    problems += _check_lists(found)
    if problems:
        raise ArchiveRefused(archive.name, tuple(problems))
    return found


def read_toc(path: Path) -> Toc:
    """Read a table of contents that a person names."""
    try:
        return toc_from_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except InvalidInput as error:
        raise ArchiveRefused(path.name, (f"its table of contents: {error}",)) from error


def _archive_files(archive: Path, problems: list[str]) -> tuple[Toc | None, list[Path]]:
    """Return the files of an archive; every chunk that is missing or of another size is noted."""
    if not archive.name.endswith(TOC):
        if not archive.is_file():
            raise InvalidInput(f"{str(archive)!r} is no file: a {TOC} or a .tar was expected")
        return None, [archive]
    toc = read_toc(archive)
    files: list[Path] = []
    for chunk in toc.chunks:
        file = archive.parent / chunk.name
        if not file.is_file():
            problems.append(f"the chunk {chunk.name!r} is missing")
        elif file.stat().st_size != chunk.size:
            problems.append(
                f"the chunk {chunk.name!r}: expected {chunk.size} bytes, "
                f"found {file.stat().st_size}"
            )
        files.append(file)
    if problems:
        # What follows would be nonsense; but each file that is there is still compared.
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
        problems.append("its table of contents is that of another archive")


def _check_digest(name: str, expected: str, found: str, problems: list[str]) -> None:
    if found != expected:
        problems.append(f"the chunk {name!r}: expected sha256:{expected}, found sha256:{found}")


def _check_lists(found: UnpackedArchive) -> list[str]:
    """Return what is wrong with the lists of an archive whose every byte was right."""
    return [
        problem
        for repository in found.head.repositories
        for version in repository.versions
        for problem in _check_list(found, repository, version)
    ]


def _check_list(
    found: UnpackedArchive, repository: ArchivedRepository, version: ArchivedVersion
) -> Iterator[str]:
    """Yield what is wrong with the list of one version."""
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
            f"{what}: expected {version.files} files of {version.bytes} bytes, "
            f"found {count} of {size}"
        )
