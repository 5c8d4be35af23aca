"""Short words for what the catalog's tests do over and over."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.catalog import Catalog
from catalog.inbox.spool import Listing
from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import Action, Plan, PlanItem, PlanRequest, Target
from catalog.model.resource import Resource
from catalog.model.version import Version

SOURCE = "s3://source"
HERE = "s3://here"
THERE = "file:///there"


def file(path: str, size: int = 1, etag: str | None = "e", *digests: Digest) -> Resource:
    """Return a resource."""
    return Resource(path, size=size, etag=etag, modified_us=1_000, digests=digests)


@dataclass(frozen=True, slots=True)
class CatalogSteps:
    """A catalog at which plans are made and carried out."""

    catalog: Catalog

    def listing(self, resources: Iterable[Resource]) -> Listing:
        """Spool `resources`."""
        with self.catalog.spool() as spool:
            for one in resources:
                spool.add(one)
            return spool.finish()

    def list_source(self, resources: Iterable[Resource]) -> Version:
        """Record `resources` as the full listing of the source."""
        return self.catalog.versions.record_listing(SOURCE, self.listing(resources))

    def request(self, resources: Iterable[Resource], *addresses: str) -> PlanRequest:
        """Return a request to bring `resources` to `addresses`, by default to one."""
        return PlanRequest(
            plan_id=uuid.uuid4().hex,
            source=SOURCE,
            wanted=self.listing(resources).listing_id,
            targets=tuple(Target(address) for address in addresses or (HERE,)),
        )

    def plan(self, resources: Iterable[Resource], *addresses: str) -> Plan:
        """Plan to bring `resources` to `addresses`."""
        return self.catalog.plans.make(self.request(resources, *addresses))

    def items(self, plan: Plan) -> list[PlanItem]:
        """Return all items of a plan."""
        batches = self.catalog.plans.batches(plan.plan_id)
        return [
            item for one in batches for item in self.catalog.plans.items(plan.plan_id, one.number)
        ]

    def carry_out(self, plan: Plan, run_id: str = "run", *failing: str) -> None:
        """Record that everything in `plan` was done, but for the paths that fail."""
        self.catalog.runs.record_outcomes(
            run_id,
            plan.plan_id,
            [
                outcome(plan.tallies[place].address, item, action, failed=item.path in failing)
                for item in self.items(plan)
                for place, action in zip(item.destinations, item.actions, strict=True)
            ],
        )

    def sync(self, resources: Iterable[Resource], run_id: str = "run") -> Version | None:
        """Plan, carry out, and make the version of one destination."""
        plan = self.plan(resources)
        self.carry_out(plan, run_id)
        return self.catalog.versions.record(run_id, plan.plan_id)[0]

    def paths(self, address: str, number: int | None = None) -> list[str]:
        """Return the paths of a version."""
        return [row.path for row in self.catalog.versions.content(address, number)]


def outcome(address: str, item: PlanItem, action: Action, *, failed: bool = False) -> Outcome:
    """Return what a faultless engine says of an item, or a failing one."""
    if failed:
        status = Status.FAILED
    else:
        status = Status.REMOVED if action is Action.REMOVE else Status.STORED
    stored = status is Status.STORED
    return Outcome(
        destination=address,
        path=item.path,
        origin=item.origin,
        action=action,
        status=status,
        proof=Proof.WRITE_PROVED if stored else None,
        digest=Digest.of(f"{item.origin} {item.etag}".encode()).value if stored else None,
        size=item.size,
        etag=f"at {address} {item.etag}",
        modified_us=2_000,
        origin_etag=item.etag,
        origin_size=item.size,
        origin_modified_us=item.modified_us,
        error="access-denied" if failed else None,
    )
