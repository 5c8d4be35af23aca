"""Adopt: make what already lies at a repository known to the catalog, byte by byte.

For a destination that another tool filled, or whose catalog was lost. After it, a sync from a
source that declares digests moves only what is missing.

    from flows.adopt import adopt
    adopt("s3-archive")
"""

from __future__ import annotations

from dataclasses import dataclass

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.formats.quantities import format_bytes
from catalog.model.version import Version
from flows.forms.run_names import run_name
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from orchestration.run import run_logger
from tasks.listing.adopt import adopt_files


@dataclass(frozen=True, slots=True)
class AdoptResult:
    """How many files were read, and the repository's version."""

    run_id: str
    repository: str  # label
    files: int
    bytes: int
    version: Version
    new_version: bool

    def summary(self) -> str:
        """Return one sentence."""
        version = f"{'new ' if self.new_version else 'still '}version {self.version.number}"
        return (
            f"{self.files:,} files read ({format_bytes(self.bytes)}): {version} has "
            f"{self.version.total:,} files"
        )

    def __str__(self) -> str:
        """Return the sentence with the repository's name."""
        return f"{self.repository}: {self.summary()}"

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)


@verb("adopt", run_name)
def adopt(repository: Repository | str) -> AdoptResult:
    """Read every file of a repository and record its content as a version with digests.

    Args:
        repository: The repository to adopt: a repository, its block's name, a path or a URL.

    Returns:
        How many files were read, and the repository's version.

    Raises:
        StorageError: a file cannot be read; no version is created.
    """
    result = adopt_repository(resolved(repository))
    run_logger().info("%s", result.summary())
    return result


def adopt_repository(end: Repository) -> AdoptResult:
    """Adopt one repository, as a run within any flow."""
    with ActiveRun("adopt", end, (end,)) as run:
        listing = adopt_files(end, run.job.run_id)
        before = {version.number for version in run.catalog.versions.all(end.address)}
        version = run.catalog.versions.record_listing(end.address, listing, run_id=run.job.run_id)
        result = AdoptResult(
            run.job.run_id,
            end.label,
            listing.count,
            listing.bytes,
            version,
            version.number not in before,
        )
        run.end("completed", result.summary())
    return result
