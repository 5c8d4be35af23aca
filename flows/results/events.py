"""Prefect events for automations: new versions, quarantined files, stopped plans, missed files.

A repository is the resource `entrepot.repository.<name, or else address>`; Prefect adds the flow
run to the related resources.
"""

from __future__ import annotations

from collections.abc import Sequence

from blocks.repository import Repository
from catalog.model.gap import FoundGap
from catalog.model.plan import Plan
from catalog.model.version import Version
from flows.results.freshness import ObjectiveResult
from orchestration.report import emit_event

VERSION_CREATED = "entrepot.version.created"
RESOURCE_QUARANTINED = "entrepot.resource.quarantined"
PLAN_GUARDED = "entrepot.plan.guarded"
LISTING_INCOMPLETE = "entrepot.listing.incomplete"
FRESHNESS_MISSED = "entrepot.freshness.missed"
MAX_PATHS = 100  # in a payload


def emit_version_created(repository: Repository, version: Version) -> None:
    """Emit that a repository has a new version, and what it changed."""
    emit_event(VERSION_CREATED, _resource(repository), payload=version_facts(version))


def version_facts(version: Version) -> dict[str, object]:
    """Return a version's number, what it changed, and what it contains."""
    return {
        "version": version.number,
        "base": version.base,
        "added": version.added,
        "replaced": version.replaced,
        "removed": version.removed,
        "files": version.total,
        "bytes": version.bytes,
        "run_id": version.run_id,
    }


def emit_quarantined(repository: Repository, paths: Sequence[str], run_id: str) -> None:
    """Emit that files were quarantined: they cannot be repaired, or they break a contract."""
    emit_event(
        RESOURCE_QUARANTINED,
        _resource(repository),
        payload={"count": len(paths), "paths": list(paths[:MAX_PATHS]), "run_id": run_id},
    )


def emit_plan_guarded(plan: Plan, crossed: Sequence[str]) -> None:
    """Emit that a plan crosses its guards, before it fails or waits for approval."""
    emit_event(
        PLAN_GUARDED,
        {"prefect.resource.id": f"entrepot.plan.{plan.plan_id}", "entrepot.source": plan.source},
        payload={
            "plan_id": plan.plan_id,
            "destinations": [tally.address for tally in plan.tallies],
            "crossed": list(crossed),
        },
    )


def emit_listing_incomplete(repository: Repository, gaps: Sequence[FoundGap], run_id: str) -> None:
    """Emit that a listing could not see everything; what it could not see is left alone."""
    emit_event(
        LISTING_INCOMPLETE,
        _resource(repository),
        payload={
            "count": len(gaps),
            "paths": [found.gap.path for found in gaps[:MAX_PATHS]],
            "why": [found.gap.why for found in gaps[:MAX_PATHS]],
            "run_id": run_id,
        },
    )


def emit_freshness_missed(repository: Repository, missed: Sequence[ObjectiveResult]) -> None:
    """Emit that expected files did not arrive in time."""
    emit_event(
        FRESHNESS_MISSED,
        _resource(repository),
        payload={
            "count": len(missed),
            "patterns": [objective.pattern for objective in missed],
            "missed": [str(objective.missed) for objective in missed],
        },
    )


def _resource(repository: Repository) -> dict[str, str]:
    return {
        "prefect.resource.id": f"entrepot.repository.{repository.label}",
        "prefect.resource.name": repository.label,
        "entrepot.address": repository.address,
    }
