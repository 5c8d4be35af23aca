"""The results of exports and imports, which print as a line or a table."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from catalog.errors import InvalidInput
from catalog.formats.quantities import format_bytes
from flows.results.sync import SyncResult


@dataclass(frozen=True, slots=True)
class TreeResult:
    """The result of `export_tree`: where the folder is, and what is in it."""

    run_id: str
    repository: str  # label
    version: int
    since: int | None
    directory: str
    manifest: str  # path of the manifest, a source for others
    files: int
    bytes: int
    removed: int

    def __str__(self) -> str:
        """Return one line."""
        what = "" if self.since is None else f", changes since version {self.since}"
        removed = f", {self.removed:,} listed as removed" if self.removed else ""
        return (
            f"{self.repository} version {self.version}{what}: {self.files:,} files, "
            f"{format_bytes(self.bytes)} in {self.directory}{removed}; manifest: {self.manifest}"
        )

    def __repr__(self) -> str:
        """Return the line, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the line for notebooks."""
        return f"<p>{html.escape(str(self))}</p>"


@dataclass(frozen=True, slots=True)
class ExportedRepository:
    """The versions of one repository in an archive."""

    name: str  # in the archive
    versions: tuple[int, ...]
    since: int | None

    def __str__(self) -> str:
        """Return one line."""
        base = "" if self.since is None else f", on top of version {self.since}"
        numbers = ", ".join(map(str, self.versions))
        return f"{self.name} version {numbers or 'none'}{base}"


@dataclass(frozen=True, slots=True)
class ArchiveResult:
    """The result of `export_archive`: the table of contents, the chunks, and what is in them.

    `result["s3-archive"]` is the row of one repository; `versions` and `since` are a single one's.
    """

    run_id: str
    repositories: tuple[ExportedRepository, ...]
    toc: str  # path
    chunks: tuple[str, ...]  # paths
    artifacts: int
    bytes: int  # of the artifacts

    def __getitem__(self, name: str) -> ExportedRepository:
        """Return the row of a repository, by its name in the archive."""
        return _row(self.repositories, name)

    @property
    def versions(self) -> tuple[int, ...]:
        """Return the versions, if there is one repository."""
        return _only(self.repositories).versions

    @property
    def since(self) -> int | None:
        """Return the version that the other site must have, if there is one repository."""
        return _only(self.repositories).since

    def __str__(self) -> str:
        """Return one line."""
        what = "; ".join(map(str, self.repositories))
        plural = "s" if len(self.chunks) > 1 else ""
        return (
            f"{what}: {self.artifacts:,} artifacts, "
            f"{format_bytes(self.bytes)} in {len(self.chunks):,} file{plural} beside {self.toc}"
        )

    def __repr__(self) -> str:
        """Return the line, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the line for notebooks."""
        return f"<p>{html.escape(str(self))}</p>"


@dataclass(frozen=True, slots=True)
class ImportedRepository:
    """What an import did for one repository, with one sync for each imported version."""

    name: str  # in the archive
    origin: str  # address at the exporting site
    repository: str  # label
    checked: tuple[int, ...]  # all of its versions in the archive
    imported: tuple[tuple[int, SyncResult], ...]  # version in the archive, what was done here

    @property
    def changed(self) -> bool:
        """Return whether anything was copied or removed."""
        return any(result.changed for _, result in self.imported)

    @property
    def versions(self) -> dict[int, int]:
        """Return the version here for each imported version of the archive."""
        return {number: result[0].version for number, result in self.imported}

    def lines(self) -> Iterator[str]:
        """Yield a line for each version."""
        for number, result in self.imported:
            yield f"version {number} is version {result[0].version} here: {result.summary()}"

    def __str__(self) -> str:
        """Return one sentence."""
        if not self.imported:
            numbers = ", ".join(map(str, self.checked))
            return f"version {numbers or 'none'} of {self.origin}"
        return f"{len(self.imported)} versions of {self.origin} imported into {self.repository}"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of `import_archive`, with a row for each repository to import.

    `result["s3-archive"]` is the row of one repository; `versions` needs there to be one.
    """

    archive: str  # path
    repositories: tuple[ImportedRepository, ...]

    def __getitem__(self, name: str) -> ImportedRepository:
        """Return the row of a repository, by its name in the archive."""
        return _row(self.repositories, name)

    @property
    def changed(self) -> bool:
        """Return whether anything was copied or removed."""
        return any(row.changed for row in self.repositories)

    @property
    def versions(self) -> dict[int, int]:
        """Return the version here for each imported one, if there is one repository."""
        return _only(self.repositories).versions

    def summary(self) -> str:
        """Return one sentence."""
        imported = any(row.imported for row in self.repositories)
        prefix = "" if imported else "the archive is complete: "
        return prefix + "; ".join(map(str, self.repositories))

    def __str__(self) -> str:
        """Return a line for each version."""
        lines = [f"{self.archive}: {self.summary()}"]
        lines += [f"  {line}" for row in self.repositories for line in row.lines()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the lines, so that an interactive prompt shows them."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the lines for notebooks."""
        return "".join(f"<p>{html.escape(line)}</p>" for line in str(self).splitlines())


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _row(rows: Sequence[_N], name: str) -> _N:
    for row in rows:
        if name == row.name:
            return row
    raise KeyError(name)


def _only(rows: Sequence[_N]) -> _N:
    if len(rows) != 1:
        names = ", ".join(row.name for row in rows)
        raise InvalidInput(f"there are several repositories: use result[name] with one of {names}")
    return rows[0]
