"""Writes an archive: versions as lists, and every artifact once, verified when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.errors import InvalidInput, ResourceChanged, ResourceNotFound
from catalog.formats.archive import (
    ARTIFACTS,
    HEAD,
    TOC,
    ArchivedRepository,
    ArchivedVersion,
    Chunk,
    Head,
    Toc,
    artifact_name,
    list_name,
    to_json,
)
from catalog.formats.archive_lists import format_artifact, format_content
from catalog.model.version import ContentRow, Version
from catalog.queries.exports import ArtifactRow
from transfer.archive.chunks import ChunkWriter
from transfer.archive.draft import create_draft, publish_files
from transfer.archive.tar import CHUNK, write_end, write_member
from transfer.locate.fetch_by_digest import (
    BytesNotFound,
    DigestFetcher,
    DigestRequest,
    FetchedBytes,
)
from transfer.workers.ordered_map import map_in_order
from transfer.workers.stop import StopFlag

MAX_NAMED = 20  # files in a message
MAX_FETCHED_BYTES = 256 * 2**20  # bytes of artifacts fetched before they are written


@dataclass(frozen=True, slots=True)
class WrittenArchive:
    """A complete archive."""

    head: Head
    toc: Path
    chunks: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class RepositoryContent:
    """The versions of one repository to export, with their rows."""

    name: str  # in the archive
    address: str
    since: int | None
    versions: tuple[Version, ...]
    rows: Callable[[int], Iterator[ContentRow]]


@dataclass(frozen=True, slots=True)
class ArchiveContent:
    """What to export: repositories, and the artifacts that they need."""

    repositories: tuple[RepositoryContent, ...]
    artifacts: Iterable[ArtifactRow]


def write_archive(
    target: Path,
    head: Head,
    content: ArchiveContent,
    fetcher: DigestFetcher,
    stop: StopFlag,
    *,
    chunk_size: int | None,
) -> WrittenArchive:
    """Write the archive `target` (a path without suffix); a failure leaves nothing behind.

    `head` has what is known beforehand; its repositories and counts are filled in here.
    """
    toc = target.with_name(target.name + TOC)
    if toc.exists():
        raise InvalidInput(f"{str(toc)!r} exists already: export under another name")
    created = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            create_draft(target.parent) as work,
            closing(ChunkWriter(target.parent, target.name, chunk_size, work)) as writer,
        ):
            full = _write_lists(work, head, content)
            _write_tar(writer, work, full, fetcher, stop)
            chunks = writer.finish()
            draft = work / "toc"
            draft.write_bytes(to_json(Toc(full, chunks)))
            # The table of contents comes last: without it nothing was exported.
            publish_files(
                work, [*((work / chunk.name, chunk.name) for chunk in chunks), (draft, toc.name)]
            )
    except BaseException:
        for folder in created:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        raise
    return WrittenArchive(full, toc, _paths(target.parent, chunks))


def _paths(folder: Path, chunks: Iterable[Chunk]) -> tuple[Path, ...]:
    return tuple(folder / chunk.name for chunk in chunks)


def _write_lists(work: Path, head: Head, content: ArchiveContent) -> Head:
    """Write the lists into the folder `work` and return the head with all counts."""
    repositories = tuple(
        _write_repository_lists(work, place, repository)
        for place, repository in enumerate(content.repositories)
    )
    count = size = 0
    with (
        (work / ARTIFACTS).open("w", encoding="ascii", newline="\n") as listed,
        (work / "wanted").open("w", encoding="utf-8") as wanted,
    ):
        for row in content.artifacts:
            if row.size is None:
                raise InvalidInput(
                    f"the size of the artifact {row.digest} is unknown: sync it again"
                )
            listed.write(format_artifact(row.digest, row.size))
            wanted.write(json.dumps([row.path, row.digest, row.size, row.places]) + "\n")
            count, size = count + 1, size + row.size
    return replace(head, repositories=repositories, artifacts=count, artifact_bytes=size)


def _write_repository_lists(
    work: Path, place: int, content: RepositoryContent
) -> ArchivedRepository:
    """Write the lists of one repository; `place` is its index in the head."""
    (work / "versions" / str(place)).mkdir(parents=True)
    versions = tuple(
        _write_version_list(work / list_name(place, version.number), version, content)
        for version in content.versions
    )
    return ArchivedRepository(content.name, content.address, content.since, versions)


def _write_version_list(
    list_file: Path, version: Version, content: RepositoryContent
) -> ArchivedVersion:
    """Write the list of one version."""
    digest = hashlib.sha256()
    files = size = length = 0
    unread: list[str] = []
    with list_file.open("wb") as file:
        for row in content.rows(version.number):
            if row.digest is None or row.size is None:
                unread.append(repr(row.path))
                continue
            for line in format_content([row]):
                data = line.encode()
                digest.update(data)
                file.write(data)
                length += len(data)
            files, size = files + 1, size + row.size
    if unread:
        more = f", … and {len(unread) - MAX_NAMED:,} more" if len(unread) > MAX_NAMED else ""
        raise InvalidInput(
            f"version {version.number} of {version.address!r} has {len(unread):,} files without a "
            "known digest, since they were listed but never read; adopt the repository, or sync it "
            f"to another one and export that: {', '.join(unread[:MAX_NAMED])}{more}"
        )
    return ArchivedVersion(
        version.number, version.created_at, files, size, length, digest.hexdigest()
    )


def _write_tar(
    writer: ChunkWriter, work: Path, head: Head, fetcher: DigestFetcher, stop: StopFlag
) -> None:
    text = to_json(head)
    write_member(writer, HEAD, len(text), [text])
    for name in (*(name for name, _ in head.version_lists()), ARTIFACTS):
        file = work / name
        write_member(writer, name, file.stat().st_size, _read_chunks(file))
    missing: list[str] = []

    def fetch(wanted: DigestRequest) -> FetchedBytes | None:
        try:
            return fetcher.fetch(wanted, work / str(wanted.digest))
        except ResourceNotFound as error:
            missing.append(str(error))
            return None

    for fetched in map_in_order(
        fetch, _digest_requests(work), stop, weigh=_size, max_weight=MAX_FETCHED_BYTES
    ):
        if fetched is None:
            continue
        file = work / fetched.digest
        if not missing:
            write_member(
                writer,
                artifact_name(fetched.digest),
                fetched.size,
                _read_verified(file, fetched.digest),
            )
        file.unlink()
    if missing:
        raise BytesNotFound("nothing was exported", tuple(sorted(missing)))
    write_end(writer)


def _digest_requests(work: Path) -> Iterator[DigestRequest]:
    with (work / "wanted").open(encoding="utf-8") as lines:
        for line in lines:
            name, digest, size, places = json.loads(line)
            yield DigestRequest(
                name, size, digest, tuple((address, path) for address, path in places)
            )


def _size(wanted: DigestRequest) -> int:
    return wanted.size or 0


def _read_verified(file: Path, digest: str) -> Iterator[bytes]:
    """Yield a fetched file; it may be a link to a file that has changed since."""
    found = hashlib.sha256()
    for chunk in _read_chunks(file):
        found.update(chunk)
        yield chunk
    if found.hexdigest() != digest:
        raise ResourceChanged(
            f"a file with sha256:{digest} changed during the export: run it again"
        )


def _read_chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
