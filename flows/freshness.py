"""Freshness: check that each stored repository received the expected files in time.

from flows.freshness import freshness
freshness()
freshness(names=["partner-*"])
"""

from __future__ import annotations

from datetime import UTC, datetime

from blocks.repository import Repository
from blocks.stored_repositories import select_repositories, stored_by_name
from catalog.catalog import Catalog
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.rules.freshness import Arrivals, Objective
from catalog.settings import Settings
from flows.forms.run_names import selection_run_name
from flows.results.artifacts import show_freshness
from flows.results.events import emit_freshness_missed
from flows.results.freshness import FreshnessMissed, FreshnessResult, ObjectiveResult
from flows.runs.verb import verb
from orchestration.run import run_logger

NO_ARRIVALS = Arrivals(0, 0, None)


@verb("freshness", selection_run_name)
def freshness(
    *, names: list[str] | None = None, labels: dict[str, str] | None = None
) -> FreshnessResult:
    """Check the objectives of each stored repository against the catalog.

    No storage is contacted: a file counts as arrived once a run has listed or written it.

    Args:
        names: Globs of the names of repositories to check; by default all.
        labels: Labels that a repository must have to be checked.

    Returns:
        One row per objective; true if all are met.

    Raises:
        FreshnessMissed: an objective is missed; the error names it.
        InvalidInput: none of the selected repositories has an objective.
    """
    selected, broken = select_repositories(stored_by_name(), names, labels)
    repositories = [repository for repository in selected.values() if repository.objectives]
    if not repositories and not broken:
        raise InvalidInput(
            f"none of the {len(selected)} selected repositories has an objective: add one to its "
            "block"
        )
    catalog, now = Catalog.open(Settings()), datetime.now(UTC)
    rows: list[ObjectiveResult] = []
    for repository in repositories:
        results = [
            _check_objective(catalog, repository, objective.value(), now)
            for objective in repository.objectives
        ]
        rows += results
        if missed := [result for result in results if result.missed]:
            emit_freshness_missed(repository, missed)
    unusable = tuple(f"{repository.name}: {repository.why}" for repository in broken)
    result = FreshnessResult(tuple(rows), unusable)
    show_freshness(result)
    run_logger().info("%s", result.summary())
    if not result:
        raise FreshnessMissed(result)
    return result


def _check_objective(
    catalog: Catalog, repository: Repository, objective: Objective, now: datetime
) -> ObjectiveResult:
    try:
        arrivals = catalog.versions.count_arrivals(repository.address, objective, now)
    except RepositoryNotFound:
        arrivals = NO_ARRIVALS
    return ObjectiveResult(
        repository.label,
        objective.pattern,
        arrivals.files,
        arrivals.bytes,
        arrivals.newest,
        objective.shortfall(arrivals, now),
    )
