"""Repair all: repair every stored repository that was ever written to.

from flows.repair_all import repair_all
repair_all()
repair_all(labels={"tier": "gold"}, depth="existence")
"""

from __future__ import annotations

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from blocks.stored_repositories import select_repositories, stored_by_name
from catalog.catalog import Catalog
from catalog.errors import CatalogError, InvalidInput
from catalog.settings import Settings
from flows.forms.run_names import selection_run_name
from flows.repair import repair_repository
from flows.results.repair_all import RepairAllFailed, RepairAllResult, RepairedRepository
from flows.runs.verb import verb
from flows.verify import Depth
from orchestration.run import run_logger


@verb("repair-all", selection_run_name)
def repair_all(
    *,
    names: list[str] | None = None,
    labels: dict[str, str] | None = None,
    depth: Depth = Depth.DIGEST,
    sources: list[Repository | str] | None = None,
) -> RepairAllResult:
    """Repair each stored repository, by its latest version, as `repair` does.

    If one fails, the others are still repaired. Repositories that are only sources are skipped.

    Args:
        names: Globs of the names of repositories to repair; by default all.
        labels: Labels that a repository must have to be repaired.
        depth: How to check files: existence, size, or digest, which reads every file.
        sources: More repositories that may have the bytes, besides the stored ones.

    Returns:
        One row per repository: what was found, what was repaired, and what could not be.

    Raises:
        RepairAllFailed: some are still damaged or cannot be reached; the error names them.
        InvalidInput: no stored repository matches.
    """
    given = list(map(resolved, sources or ()))
    stored = stored_by_name()
    selected, broken = select_repositories(stored, names, labels)
    if not selected and not broken:
        raise InvalidInput(
            f"no repository to repair: none of the {len(stored)} stored ones matches names and "
            "labels"
        )
    written = Catalog.open(Settings()).repositories.written()
    rows = [
        _skip(name, end, written) or _repair(name, end, depth, given)
        for name, end in selected.items()
    ]
    rows += [RepairedRepository(unusable.name, "", error=unusable.why) for unusable in broken]
    result = RepairAllResult(tuple(rows))
    run_logger().info("%s", result.summary())
    if not result:
        raise RepairAllFailed(result)
    return result


def _skip(name: str, end: Repository, written: dict[str, int]) -> RepairedRepository | None:
    """Return the row of a repository that has nothing to repair, with the reason."""
    files = written.get(end.address)
    if files:
        return None
    why = "nothing was ever written to it" if files is None else "its latest version is empty"
    return RepairedRepository(name, end.address, skipped=why)


def _repair(
    name: str, end: Repository, depth: Depth, given: list[Repository]
) -> RepairedRepository:
    try:
        result = repair_repository(end, None, depth, given)
    except CatalogError as error:
        return RepairedRepository(name, end.address, error=str(error))
    found = result.found
    return RepairedRepository(
        name, end.address, found.files, found.damaged, len(result.repaired), result.unrepairable
    )
