"""The provenance of a version, as an in-toto Statement v1 that others can sign and verify.

Its predicate is SLSA provenance v1. The text is stable: the same version gives the same bytes, so
that an external signature stays valid.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded, RepositoryNotFound
from catalog.model.plan import Plan
from catalog.model.run import Run
from catalog.model.version import Version

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:entrepot:version:v1"
BUILDER = "urn:entrepot"
"""Both are documented in docs/export.md."""


def statement(catalog: Catalog, address: str, number: int) -> Iterator[str]:
    """Yield the statement of a version as JSON text, in parts, with a final newline.

    Its subjects are the resources with a known sha256; the predicate lists the others.

    Raises:
        NotRecorded: there is no such version.
        InvalidInput: no resource of it has a known digest, so there is no subject.
    """
    version = catalog.versions.get(address, number)
    unread = sorted(
        row.path for row in catalog.versions.content(address, number) if row.digest is None
    )
    if version.total == len(unread):
        raise InvalidInput(
            f"version {number} of {address!r} has no resource with a known digest: "
            "a statement needs at least one"
        )
    head = {
        "_type": STATEMENT,
        "predicate": _predicate(catalog, version, unread),
        "predicateType": PREDICATE,
    }
    yield _json(head)[:-1] + ',"subject":['
    comma = ""
    for row in catalog.versions.content(address, number):
        if row.digest is not None:
            yield comma + _json({"digest": {"sha256": row.digest}, "name": row.path})
            comma = ","
    yield "]}\n"


def _predicate(catalog: Catalog, version: Version, unread: list[str]) -> dict[str, object]:
    plan_id = catalog.plans.id_of(version.address, version.number)
    plan = None if plan_id is None else catalog.plans.get(plan_id)
    run = _run(catalog, version.run_id)
    proofs = catalog.exports.proofs(version.address, version.number)
    here = {"uri": version.address, "version": version.number}
    outside: dict[str, object] = {"destination": here, "kind": run.kind if run else "listing"}
    inside: dict[str, object] = {
        "added": version.added,
        "createdAt": version.created_at.isoformat(),
        "files": version.total,
        "proofs": {proof or "none": count for proof, count in proofs.items()},
        "removed": version.removed,
        "replaced": version.replaced,
        "size": version.bytes,
    }
    if unread:
        inside["withoutDigest"] = unread
    materials: list[dict[str, object]] = []
    if plan is not None:
        outside["mode"], outside["strategy"] = plan.mode.value, plan.strategy.value
        inside["plan"] = {"digest": plan.digest, "id": plan.plan_id}
        material = _material(catalog, plan)
        outside["source"] = {"uri": plan.source}
        materials.append(material)
    details: dict[str, object] = {"builder": {"id": BUILDER}}
    if run is not None:
        details["metadata"] = _metadata(run)
    mine = catalog.exports.manifest_digest(version.address, version.number)
    if mine is not None:
        details["byproducts"] = [{"digest": {"sha256": mine}, "name": "PULP_MANIFEST"}]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": outside,
            "internalParameters": inside,
            "resolvedDependencies": materials,
        },
        "runDetails": details,
    }


def _run(catalog: Catalog, run_id: str | None) -> Run | None:
    if run_id is None:
        return None
    try:
        return catalog.runs.get(run_id)
    except NotRecorded:
        return None


def _metadata(run: Run) -> dict[str, object]:
    metadata: dict[str, object] = {"invocationId": run.run_id}
    if run.started_at is not None:
        metadata["startedOn"] = run.started_at.isoformat()
    if run.ended_at is not None:
        metadata["finishedOn"] = run.ended_at.isoformat()
    return metadata


def _material(catalog: Catalog, plan: Plan) -> dict[str, object]:
    """Return the source of a plan, with its version at that time, if still known."""
    material: dict[str, object] = {"uri": plan.source}
    number = _source_version(catalog, plan)
    if number is not None:
        material["annotations"] = {"version": number}
        digest = catalog.exports.manifest_digest(plan.source, number)
        if digest is not None:
            material["digest"] = {"sha256": digest}
    return material


def _source_version(catalog: Catalog, plan: Plan) -> int | None:
    """Return the source's version when the plan was made; None if that is uncertain."""
    run_id = catalog.plans.request(plan.plan_id).run_id
    try:
        versions = catalog.versions.all(plan.source)
        for version in reversed(versions):
            if run_id is not None and version.run_id == run_id:
                return version.number  # the run's own listing found something new
        current = catalog.versions.at(plan.source, plan.created_at).number
    except (RepositoryNotFound, NotRecorded):
        return None
    following = min(
        (version.number for version in versions if version.number > current), default=None
    )
    if following is None:
        following = catalog.versions.highest_number(plan.source) + 1
    if following != current + 1:
        return None  # a version between them was deleted: it may have been that one
    return current or None  # version 0: the run did not list the whole source


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
