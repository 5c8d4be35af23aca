"""Events for Prefect's automations: versions, files set aside, plans stopped, what is missing.

A repository is the resource `entrepot.repository.<name, or else address>`; the flow run that told
is among the related resources, as Prefect adds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect.events import emit_event

from blocks.repository import Repository
from catalog.model.gap import FoundGap
from catalog.model.plan import Plan
from catalog.model.version import Version
from flows.results.freshness import ObjectiveResult

VERSION_CREATED = "entrepot.version.created"
RESOURCE_QUARANTINED = "entrepot.resource.quarantined"
PLAN_GUARDED = "entrepot.plan.guarded"
LISTING_INCOMPLETE = "entrepot.listing.incomplete"
FRESHNESS_MISSED = "entrepot.freshness.missed"
TOLD = 100  # paths in a payload


def version_created(repository: Repository, version: Version) -> None:
    """Tell that a repository has a new version, and what it changed."""
    emit_event(VERSION_CREATED, _resource(repository), payload=facts_of(version))


def facts_of(version: Version) -> dict[str, object]:
    """Return what is told of a version: its number, what it changed, and what it holds."""
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


def resources_quarantined(repository: Repository, paths: Sequence[str], run_id: str) -> None:
    """Tell that files were set aside: no right bytes are to be had, or they break a contract."""
    emit_event(
        RESOURCE_QUARANTINED,
        _resource(repository),
        payload={"count": len(paths), "paths": list(paths[:TOLD]), "run_id": run_id},
    )


def plan_guarded(plan: Plan, crossed: Sequence[str]) -> None:
    """Tell that a plan does more than its guards allow, before it fails or a person is asked."""
    emit_event(
        PLAN_GUARDED,
        {"prefect.resource.id": f"entrepot.plan.{plan.plan_id}", "entrepot.source": plan.source},
        payload={
            "plan_id": plan.plan_id,
            "destinations": [one.address for one in plan.tallies],
            "crossed": list(crossed),
        },
    )


def listing_incomplete(repository: Repository, gaps: Sequence[FoundGap], run_id: str) -> None:
    """Tell that a listing could not see everything; what it could not see stays as it was."""
    emit_event(
        LISTING_INCOMPLETE,
        _resource(repository),
        payload={
            "count": len(gaps),
            "paths": [one.gap.path for one in gaps[:TOLD]],
            "why": [one.gap.why for one in gaps[:TOLD]],
            "run_id": run_id,
        },
    )


def freshness_missed(repository: Repository, missed: Sequence[ObjectiveResult]) -> None:
    """Tell that files did not come which should have by now."""
    emit_event(
        FRESHNESS_MISSED,
        _resource(repository),
        payload={
            "count": len(missed),
            "patterns": [one.pattern for one in missed],
            "missed": [str(one.missed) for one in missed],
        },
    )


def _resource(repository: Repository) -> dict[str, str]:
    return {
        "prefect.resource.id": f"entrepot.repository.{repository.label}",
        "prefect.resource.name": repository.label,
        "entrepot.address": repository.address,
    }
