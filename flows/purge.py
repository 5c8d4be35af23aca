"""Purge: remove from a local directory what was pulled into it.

from flows.purge import purge
purge("./models", "mnist")     # that folder, if it exists
purge("./models")              # everything except names that begin with `_`
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, UnsafePath
from catalog.formats.quantities import format_bytes
from catalog.paths import check_path
from flows.forms.run_names import run_name
from flows.results.table import html_table, text_table
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.verb import verb
from orchestration.run import run_logger
from tasks.cleanup.purge import PurgedEntry, is_kept, purge_folder

MAX_ROWS = 20  # of the table
_COLUMNS = ("name", "size")


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What was, or would be, removed from a directory."""

    run_id: str
    directory: str
    removed: tuple[PurgedEntry, ...]
    dry_run: bool

    def __bool__(self) -> bool:
        """Return whether there was anything to remove."""
        return bool(self.removed)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the removed entries."""
        return tuple(entry.name for entry in self.removed)

    @property
    def bytes(self) -> int:
        """Return how many bytes were freed; targets of links do not count."""
        return sum(entry.bytes for entry in self.removed)

    def summary(self) -> str:
        """Return one sentence."""
        if not self.removed:
            return "nothing to purge"
        done = "would be removed" if self.dry_run else "removed"
        return f"{len(self.removed):,} entries {done}, {format_bytes(self.bytes)}"

    def table(self) -> list[dict[str, str]]:
        """Return the table of the first entries, one mapping each."""
        return [
            {"name": entry.name, "size": format_bytes(entry.bytes)}
            for entry in self.removed[:MAX_ROWS]
        ]

    def __str__(self) -> str:
        """Return the sentence and the table."""
        lines = [f"{self.directory}: {self.summary()}"]
        return "\n".join(lines + (text_table(_COLUMNS, self.table()) if self.removed else []))

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        heading = f"<p>{html.escape(self.directory)}: {html.escape(self.summary())}</p>"
        return heading + html_table(_COLUMNS, self.table())


@verb("purge", run_name)
def purge(
    directory: str, name: str | None = None, *, keep: str = "_*", dry_run: bool = False
) -> PurgeResult:
    """Remove from a local directory what was pulled into it; links are removed, never followed.

    Args:
        directory: The local directory; it is not removed itself.
        name: The entry to remove, if it exists; none for every entry.
        keep: Glob of the entries to keep if no name is given; '' keeps none.
        dry_run: Report what would be removed, without removing anything.

    Returns:
        What was removed, by name.

    Raises:
        InvalidInput: it is not a directory, contains the home directory, or contains a repository
            with versions that no pull made; nothing was removed.
    """
    end = local_folder(directory)
    root = Path(end.address.removeprefix("file://")).resolve()
    _check_directory(root, directory)
    if name is not None:
        _check_name(name)
    with ActiveRun("purge", end, (end,)) as run:
        _refuse_repositories(run.catalog, root, name, keep)
        removed = tuple(purge_folder(str(root), name, keep, dry_run=dry_run))
        result = PurgeResult(run.job.run_id, str(root), removed, dry_run)
        run.end("completed", result.summary())
    run_logger().info("%s", result.summary())
    return result


def _check_directory(root: Path, given: str) -> None:
    """Refuse directories that nobody can want to purge."""
    home = Path.home().resolve()
    if root == Path(root.anchor) or root == home or root in home.parents:
        raise InvalidInput(f"{given!r} cannot be purged: it is or contains the home directory")
    if not root.is_dir():
        raise InvalidInput(f"{given!r} cannot be purged: it is not a directory")


def _check_name(name: str) -> None:
    """Refuse a name that is not a single path segment."""
    if "/" in check_path(name):
        raise UnsafePath(name, "it must be the name of one entry, without a slash")


def _refuse_repositories(catalog: Catalog, root: Path, name: str | None, keep: str) -> None:
    """Refuse to purge a repository, one that contains the target, or one inside it."""
    target = root if name is None else root / name
    for address in catalog.repositories.addresses_below("file://"):
        repository = Path(address.removeprefix("file://")).resolve()
        inside = repository == target or target in repository.parents
        if inside and name is None and repository != root:
            inside = not is_kept(repository.relative_to(root).parts[0], keep)
        if inside or repository in target.parents:
            raise InvalidInput(
                f"{str(target)!r} cannot be purged: it overlaps with the repository {address!r}, "
                "which has versions that no pull made"
            )
