"""Repair all: mend every repository of this instance that something was written to.

from flows.repair_all import repair_all
repair_all()
repair_all(labels={"tier": "gold"}, depth="existence")
"""

from __future__ import annotations

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from blocks.stored_repositories import select_repositories, stored_by_name
from catalog.catalog import Catalog
from catalog.errors import CatalogError, InvalidInput
from catalog.settings import Settings
from flows.forms.run_names import chosen_name
from flows.repair import repair_repository
from flows.results.repair_all import RepairAllFailed, RepairAllResult, RepairedRepository
from flows.runs.verb import verb
from flows.verify import Depth


@verb("repair-all", chosen_name)
def repair_all(
    *,
    names: list[str] | None = None,
    labels: dict[str, str] | None = None,
    depth: Depth = Depth.DIGEST,
    sources: list[Repository | str] | None = None,
) -> RepairAllResult:
    """Mend each stored repository as `repair` does, by its latest version.

    One that fails stops none of the others. Repositories that are only read from are passed over.

    Args:
        names: Globs of names of the repositories to mend; all by default.
        labels: Labels that a repository must have to be mended.
        depth: How closely to look for damage: existence, size, or digest, which reads every file.
        sources: Repositories that may hold the bytes, where no stored block leads to them.

    Returns:
        One row a repository: what was found, what was mended, and what could not be.

    Raises:
        RepairAllFailed: some are damaged still, or could not be reached; it names each.
        InvalidInput: no stored repository is chosen so.
    """
    given = [resolved(one) for one in sources or ()]
    every = stored_by_name()
    wanted, broken = select_repositories(every, names, labels)
    if not wanted and not broken:
        raise InvalidInput(f"no repository is to be repaired: {len(every)} are stored here")
    written = Catalog.open(Settings()).repositories.written()
    rows = [
        _passed_over(name, one, written) or _mended(name, one, depth, given)
        for name, one in wanted.items()
    ]
    rows += [RepairedRepository(one.name, "", error=one.why) for one in broken]
    result = RepairAllResult(tuple(rows))
    get_run_logger().info("%s", result.summary())
    if not result:
        raise RepairAllFailed(result)
    return result


def _passed_over(name: str, end: Repository, written: dict[str, int]) -> RepairedRepository | None:
    """Return the row of a repository that has nothing to be mended, with the reason."""
    files = written.get(end.address)
    if files:
        return None
    why = "nothing was ever written there" if files is None else "its latest version is empty"
    return RepairedRepository(name, end.address, passed_over=why)


def _mended(
    name: str, end: Repository, depth: Depth, given: list[Repository]
) -> RepairedRepository:
    try:
        done = repair_repository(end, None, depth, given)
    except CatalogError as error:
        return RepairedRepository(name, end.address, error=str(error))
    found = done.found
    return RepairedRepository(
        name, end.address, found.files, found.damaged, len(done.repaired), done.unrepairable
    )
