"""Freshness: whether each stored repository received what it should have by now.

from flows.freshness import freshness
freshness()
freshness(names=["partner-*"])
"""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.stored_repositories import select_repositories, stored_by_name
from catalog.catalog import Catalog
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.rules.freshness import Arrivals, Objective
from catalog.settings import Settings
from flows.forms.run_names import chosen_name
from flows.results.artifacts import show_freshness
from flows.results.events import freshness_missed
from flows.results.freshness import FreshnessMissed, FreshnessResult, ObjectiveResult
from flows.runs.verb import verb

NOTHING = Arrivals(0, 0, None)


@verb("freshness", chosen_name)
def freshness(
    *, names: list[str] | None = None, labels: dict[str, str] | None = None
) -> FreshnessResult:
    """Compare what came with the objectives of each stored repository, by what the catalog knows.

    No storage is looked at: what no run has listed or written has not come.

    Args:
        names: Globs of names of the repositories to look at; all by default.
        labels: Labels that a repository must have to be looked at.

    Returns:
        One row an objective; true when all are met.

    Raises:
        FreshnessMissed: something did not come; it names what.
        InvalidInput: no stored repository that is chosen so has an objective.
    """
    wanted, broken = select_repositories(stored_by_name(), names, labels)
    aimed = {name: one for name, one in wanted.items() if one.objectives}
    if not aimed and not broken:
        raise InvalidInput(
            f"none of {len(wanted)} stored repositories has an objective: give one in its block"
        )
    catalog, now = Catalog.open(Settings()), datetime.now(UTC)
    rows: list[ObjectiveResult] = []
    for one in aimed.values():
        found = [_expected(catalog, one, each.value(), now) for each in one.objectives]
        rows += found
        if missed := [each for each in found if each.missed]:
            freshness_missed(one, missed)
    result = FreshnessResult(tuple(rows), tuple(f"{one.name}: {one.why}" for one in broken))
    show_freshness(result)
    get_run_logger().info("%s", result.summary())
    if not result:
        raise FreshnessMissed(result)
    return result


def _expected(
    catalog: Catalog, repository: Repository, objective: Objective, now: datetime
) -> ObjectiveResult:
    try:
        found = catalog.versions.count_arrivals(repository.address, objective, now)
    except RepositoryNotFound:
        found = NOTHING
    return ObjectiveResult(
        repository.label,
        objective.pattern,
        found.files,
        found.bytes,
        found.newest,
        objective.shortfall(found, now),
    )
