"""What exports and imports return: small values that print as a line or a table."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from catalog.errors import InvalidInput
from flows.results.sync import SyncResult, human


@dataclass(frozen=True, slots=True)
class TreeResult:
    """A version as a tree of files: where it is, and what is in it."""

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
        what = "" if self.since is None else f", what changed since {self.since}"
        gone = f", {self.removed} named as removed" if self.removed else ""
        return (
            f"{self.repository} version {self.version}{what}: {self.files} files, "
            f"{human(self.bytes)} in {self.directory}{gone}; source for others: {self.manifest}"
        )

    def __repr__(self) -> str:
        """Return the line, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the line for notebooks."""
        return f"<p>{html.escape(str(self))}</p>"


@dataclass(frozen=True, slots=True)
class ExportedRepository:
    """What of one repository is in an archive."""

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
    """Versions as an archive: its table of contents, its chunks, and what is in it.

    `result["s3-archive"]` is one repository's row; `versions` and `since` are the only one's.
    """

    run_id: str
    repositories: tuple[ExportedRepository, ...]
    toc: str  # path
    chunks: tuple[str, ...]  # paths
    artifacts: int
    bytes: int  # of the artifacts

    def __getitem__(self, name: str) -> ExportedRepository:
        """Return what of the repository of that name in the archive was exported."""
        return _row(self.repositories, name)

    @property
    def versions(self) -> tuple[int, ...]:
        """Return the versions of the only repository."""
        return _only(self.repositories).versions

    @property
    def since(self) -> int | None:
        """Return what the other site must hold of the only repository."""
        return _only(self.repositories).since

    def __str__(self) -> str:
        """Return one line."""
        what = "; ".join(map(str, self.repositories))
        many = "s" if len(self.chunks) > 1 else ""
        return (
            f"{what}: {self.artifacts} artifacts, "
            f"{human(self.bytes)} in {len(self.chunks)} file{many} beside {self.toc}"
        )

    def __repr__(self) -> str:
        """Return the line, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the line for notebooks."""
        return f"<p>{html.escape(str(self))}</p>"


@dataclass(frozen=True, slots=True)
class ImportedRepository:
    """What an import did for one repository: one sync for each version that was brought in."""

    name: str  # in the archive
    origin: str  # address whose versions they are, at the site that exported them
    repository: str  # label
    checked: tuple[int, ...]  # all its versions in the archive
    imported: tuple[tuple[int, SyncResult], ...]  # number there, what was done here

    @property
    def changed(self) -> bool:
        """Say whether anything was moved or removed."""
        return any(result.changed for _, result in self.imported)

    @property
    def versions(self) -> dict[int, int]:
        """Return the repository's version for each imported version of the archive."""
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
        return f"{len(self.imported)} versions of {self.origin} brought to {self.repository}"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, a row for each repository of the archive that was to be imported.

    `result["s3-archive"]` is the row of one name in the archive; `versions` is the only one's.
    """

    archive: str  # path
    repositories: tuple[ImportedRepository, ...]

    def __getitem__(self, name: str) -> ImportedRepository:
        """Return what was done for the repository of that name in the archive."""
        return _row(self.repositories, name)

    @property
    def changed(self) -> bool:
        """Say whether anything was moved or removed."""
        return any(one.changed for one in self.repositories)

    @property
    def versions(self) -> dict[int, int]:
        """Return the only repository's version for each imported version of the archive."""
        return _only(self.repositories).versions

    def summary(self) -> str:
        """Return one sentence."""
        whole = "" if any(one.imported for one in self.repositories) else "the archive is whole: "
        return whole + "; ".join(map(str, self.repositories))

    def __str__(self) -> str:
        """Return a line for each version."""
        lines = [f"{self.archive}: {self.summary()}"]
        lines += [f"  {line}" for one in self.repositories for line in one.lines()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the lines, so that a bare `result` in a prompt is readable."""
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
        raise InvalidInput(f"ask result[name] for one of {[row.name for row in rows]}")
    return rows[0]
