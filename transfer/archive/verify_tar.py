"""Reads an archive's tar entry by entry and verifies it against the archive's own lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from catalog.errors import InvalidInput
from catalog.formats.archive import ARTIFACTS, HEAD, Head, artifact_name, head_from_json
from catalog.formats.archive_lists import parse_artifacts
from catalog.paths import check_path
from providers.interfaces.history import history_key
from transfer.archive.chunks import ChunkReader
from transfer.archive.tar import Member, TarBroken, read_members
from transfer.workers.stop import StopFlag

MAX_HEAD_BYTES = 64 * 2**20  # bytes
MAX_LINE_BYTES = 2**20  # bytes
MAX_PROBLEMS = 1000  # after which reading stops


class ArchiveWalk:
    """Reads a tar once and collects its problems."""

    def __init__(self, folder: Path, stop: StopFlag, *, keep: bool) -> None:
        """Write lists, and artifacts if `keep`, into `folder`."""
        self._folder, self._stop, self._keep = folder, stop, keep
        self._ahead: Member | None = None  # an artifact after the expected one
        self.problems: list[str] = []

    def read_all(self, reader: ChunkReader) -> Head | None:
        """Read all entries; return the head if it is valid."""
        entries = self._regular_entries(reader)
        head: Head | None = None
        try:
            head = self._read_head(entries)
            if head is None:
                return None
            for name, version in head.version_lists():
                entry = self._next_expected(entries, name)
                digest = self._save_list(entry) if entry else None
                if digest is not None and digest != version.content_sha256:
                    self.problems.append(
                        f"{name}: expected sha256:{version.content_sha256}, found sha256:{digest}"
                    )
            entry = self._next_expected(entries, ARTIFACTS)
            if entry is not None:
                self._save_list(entry)
                self._check_artifacts(entries, head)
        except TarBroken as error:
            self.problems.append(f"the tar is damaged: {error}")
        return head

    def _regular_entries(self, reader: ChunkReader) -> Iterator[Member]:
        """Yield regular entries with safe names; report and skip all others."""
        for member in read_members(reader):
            self._stop.check()
            if len(self.problems) > MAX_PROBLEMS:
                raise TarBroken("too many problems to read on")
            if member.kind is not None:
                self.problems.append(f"{member.name!r} is {member.kind}, not a plain file")
                continue
            try:
                check_path(member.name)
            except InvalidInput as error:
                self.problems.append(str(error))
                continue
            yield member

    def _next_expected(self, entries: Iterator[Member], name: str) -> Member | None:
        """Return the entry `name`; report the entries before it."""
        for entry in entries:
            if entry.name == name:
                return entry
            self.problems.append(f"found {entry.name!r}, expected {name!r}")
        self.problems.append(f"{name!r} is missing")
        return None

    def _read_head(self, entries: Iterator[Member]) -> Head | None:
        entry = next(entries, None)
        if entry is None or entry.name != HEAD or entry.size > MAX_HEAD_BYTES:
            found = "nothing" if entry is None else repr(entry.name)
            self.problems.append(
                f"it is not an archive of entrepot: expected {HEAD!r} first, found {found}"
            )
            for _ in entries:
                pass  # reports every unsafe entry
            return None
        try:
            return head_from_json(b"".join(entry.body()))
        except InvalidInput as error:
            self.problems.append(f"{HEAD}: {error}")
            return None

    def _save_list(self, entry: Member) -> str:
        """Save a list, whose name was expected, and return its digest."""
        found = hashlib.sha256()
        file = self._folder / entry.name
        file.parent.mkdir(parents=True, exist_ok=True)
        longest = 0
        with file.open("wb") as out:
            for chunk in entry.body():
                self._stop.check()
                found.update(chunk)
                out.write(chunk)
                _, newline, last = chunk.rpartition(b"\n")
                longest = len(last) if newline else longest + len(chunk)
                if longest > MAX_LINE_BYTES:
                    raise TarBroken(
                        f"a line of {entry.name!r} is longer than {MAX_LINE_BYTES:,} bytes"
                    )
        return found.hexdigest()

    def _check_artifacts(self, entries: Iterator[Member], head: Head) -> None:
        """Verify every artifact against the list of artifacts."""
        count = 0
        with (
            (self._folder / ARTIFACTS).open(encoding="utf-8", errors="replace") as lines,
            (self._folder / "digests").open("wb") as held,
        ):
            try:
                for digest, size in parse_artifacts(lines):
                    entry = self._next_artifact(entries, artifact_name(digest))
                    if entry is None:
                        count += 1
                        continue
                    self._check_artifact(entry, digest, size)
                    held.write(bytes.fromhex(digest))
                    count += 1
            except InvalidInput as error:
                if isinstance(error, TarBroken):
                    raise
                self.problems.append(f"{ARTIFACTS}: {error}")
        for entry in entries:
            self.problems.append(f"found {entry.name!r} after the last expected entry")
        if count != head.artifacts:
            self.problems.append(f"expected {head.artifacts:,} artifacts, found {count:,}")

    def _next_artifact(self, entries: Iterator[Member], name: str) -> Member | None:
        entry = self._ahead or next(entries, None)
        self._ahead = None
        while entry is not None and entry.name < name:
            self.problems.append(f"found {entry.name!r}, expected {name!r}")
            entry = next(entries, None)
        if entry is not None and entry.name == name:
            return entry
        self._ahead = entry
        self.problems.append(f"{name!r} is missing")
        return None

    def _check_artifact(self, entry: Member, digest: str, size: int) -> None:
        found = hashlib.sha256()
        file = self._folder / history_key(digest)
        if self._keep:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as out:
                for chunk in entry.body():
                    self._stop.check()
                    found.update(chunk)
                    out.write(chunk)
        else:
            for chunk in entry.body():
                self._stop.check()
                found.update(chunk)
        if entry.size != size:
            self.problems.append(f"{entry.name!r}: expected {size:,} bytes, found {entry.size:,}")
        elif found.hexdigest() != digest:
            self.problems.append(
                f"{entry.name!r}: expected sha256:{digest}, found sha256:{found.hexdigest()}"
            )
