"""Purge: remove from a local directory what was pulled into it.

from flows.purge import purge
purge("./models", "mnist")     # that one folder; absent is fine
purge("./models")              # everything but names that begin with `_`
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from prefect.logging import get_run_logger

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, UnsafePath
from catalog.paths import check_path
from flows.forms.run_names import run_name
from flows.results.sync import human
from flows.results.table import html_table, text_table
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.verb import verb
from tasks.cleanup.purge import PurgedEntry, is_kept, purge_folder

SHOWN = 20  # names that are told
_COLUMNS = ("name", "size")


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What went from a directory, or would go."""

    run_id: str
    directory: str
    gone: tuple[PurgedEntry, ...]
    dry_run: bool

    def __bool__(self) -> bool:
        """Say whether there was anything."""
        return bool(self.gone)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of what went."""
        return tuple(one.name for one in self.gone)

    @property
    def bytes(self) -> int:
        """Return how many bytes were freed; what a link leads to does not count."""
        return sum(one.bytes for one in self.gone)

    def summary(self) -> str:
        """Return one sentence."""
        if not self.gone:
            return "nothing to purge"
        done = "would be removed" if self.dry_run else "removed"
        return f"{len(self.gone)} entries {done}, {human(self.bytes)}"

    def table(self) -> list[dict[str, str]]:
        """Return the table, one mapping an entry, for the first of them."""
        return [{"name": one.name, "size": human(one.bytes)} for one in self.gone[:SHOWN]]

    def __str__(self) -> str:
        """Return the sentence and the table."""
        lines = [f"{self.directory}: {self.summary()}"]
        return "\n".join(lines + (text_table(_COLUMNS, self.table()) if self.gone else []))

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        told = f"<p>{html.escape(self.directory)}: {html.escape(self.summary())}</p>"
        return told + html_table(_COLUMNS, self.table())


@verb("purge", run_name)
def purge(
    directory: str, name: str | None = None, *, keep: str = "_*", dry_run: bool = False
) -> PurgeResult:
    """Remove from a local directory what was pulled into it; links are removed, never followed.

    Args:
        directory: The local directory; it stays.
        name: The one entry to remove; that it is not there is fine. None for every entry.
        keep: A glob of the entries that stay when no name is given; '' for none of them.
        dry_run: Say what would go, and remove nothing.

    Returns:
        What went, by name.

    Raises:
        InvalidInput: it is no directory, holds the home directory, or a repository with versions
            that were not pulled lies there; nothing was touched.
    """
    end = local_folder(directory)
    root = Path(end.address.removeprefix("file://")).resolve()
    _refuse(root, directory)
    if name is not None:
        _component(name)
    with ActiveRun("purge", end, (end,)) as run:
        _spare(run.catalog, root, name, keep)
        gone = tuple(purge_folder(str(root), name, keep, dry_run=dry_run))
        result = PurgeResult(run.job.run_id, str(root), gone, dry_run)
        run.end("completed", result.summary())
    get_run_logger().info("%s", result.summary())
    return result


def _refuse(root: Path, given: str) -> None:
    """Refuse what nobody can have meant."""
    home = Path.home().resolve()
    if root == Path(root.anchor) or root == home or root in home.parents:
        raise InvalidInput(f"{given!r} cannot be purged: it is or holds the home directory")
    if not root.is_dir():
        raise InvalidInput(f"{given!r} cannot be purged: it is no directory")


def _component(name: str) -> None:
    """Refuse a name that is not one of an entry of the directory."""
    if "/" in check_path(name):
        raise UnsafePath(name, "it must be the name of one entry, without a slash")


def _spare(catalog: Catalog, root: Path, name: str | None, keep: str) -> None:
    """Refuse to harm a repository: one that lies in what goes, or that this is a part of."""
    doomed = root if name is None else root / name
    for address in catalog.repositories.addresses_below("file://"):
        theirs = Path(address.removeprefix("file://")).resolve()
        inside = theirs == doomed or doomed in theirs.parents
        if inside and name is None and theirs != root:
            inside = not is_kept(theirs.relative_to(root).parts[0], keep)
        if inside or theirs in doomed.parents:
            raise InvalidInput(
                f"{str(doomed)!r} cannot be purged: the repository {address!r} is known to lie "
                "there, with versions that no pull made"
            )
