"""What exports and imports return: small values that print as a line or a table."""

from __future__ import annotations

import html
from dataclasses import dataclass

from flows.result import SyncResult, human


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
class ArchiveResult:
    """Versions as an archive: its table of contents, its chunks, and what is in it."""

    run_id: str
    repository: str  # label
    versions: tuple[int, ...]
    since: int | None
    toc: str  # path
    chunks: tuple[str, ...]  # paths
    artifacts: int
    bytes: int  # of the artifacts

    def __str__(self) -> str:
        """Return one line."""
        numbers = ", ".join(map(str, self.versions))
        base = "" if self.since is None else f", on top of version {self.since}"
        many = "s" if len(self.chunks) > 1 else ""
        return (
            f"{self.repository} version {numbers}{base}: {self.artifacts} artifacts, "
            f"{human(self.bytes)} in {len(self.chunks)} file{many} beside {self.toc}"
        )

    def __repr__(self) -> str:
        """Return the line, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the line for notebooks."""
        return f"<p>{html.escape(str(self))}</p>"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did: one sync for each version of the archive that was brought in."""

    archive: str  # path
    origin: str  # address whose versions they are, at the site that exported them
    repository: str  # label
    checked: tuple[int, ...]  # all versions of the archive
    imported: tuple[tuple[int, SyncResult], ...]  # number there, what was done here

    @property
    def changed(self) -> bool:
        """Say whether anything was moved or removed."""
        return any(result.changed for _, result in self.imported)

    @property
    def versions(self) -> dict[int, int]:
        """Return the repository's version for each imported version of the archive."""
        return {number: result[0].version for number, result in self.imported}

    def summary(self) -> str:
        """Return one sentence."""
        if not self.imported:
            numbers = ", ".join(map(str, self.checked))
            return f"the archive is whole: version {numbers} of {self.origin}"
        return f"{len(self.imported)} versions of {self.origin} brought to {self.repository}"

    def __str__(self) -> str:
        """Return a line for each version."""
        lines = [f"{self.archive}: {self.summary()}"]
        lines += [
            f"  version {number} is version {result[0].version} here: {result.summary()}"
            for number, result in self.imported
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the lines, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the lines for notebooks."""
        return "".join(f"<p>{html.escape(line)}</p>" for line in str(self).splitlines())
