"""A gateway over a catalog in which things happened: versions, plans, runs, failures."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.model.breach import Breach, FailureCase
from catalog.model.plan import Plan
from catalog.model.resource import Resource
from catalog.model.run import Run
from tests.catalog.catalog_steps import SOURCE, THERE, CatalogSteps, file
from tests.gateway.conftest import Running, serving

REPOSITORIES = "/v1/mytenant/repositories"
CASES = (FailureCase("in_range", 3, "price", "-1"), FailureCase("not_null", 7, "name"))
TENANTS: dict[str, Any] = {"mytenant": {"repositories": {"there": "/there", "source": SOURCE}}}


@dataclass(frozen=True, slots=True)
class Filled:
    """The gateway, the catalog at which things happen, and the plans that were carried out."""

    running: Running
    desk: CatalogSteps
    plans: tuple[Plan, ...]

    def get(self, where: str, /, **query: Any) -> Any:  # noqa: ANN401 - JSON
        """Return what a GET of the tenant answers."""
        answer = self.running.client.get(f"/v1/mytenant/{where}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all_pages(
        self,
        where: str,
        noun: str,
        /,
        **query: Any,  # noqa: ANN401 - httpx's
    ) -> list[Any]:
        """Return every row of a list, page by page."""
        rows: list[Any] = []
        cursor: dict[str, object] = {}
        while True:
            page = self.get(where, **query, **cursor)
            rows += page[noun]
            if "next" not in page:
                return rows
            assert page[noun], "a page that others follow is not empty"
            cursor = {"cursor": page["next"]}


@contextmanager
def filled(folder: Path, *, tenants: dict[str, Any] | None = None) -> Generator[Filled]:
    """Run a gateway with two versions of `there` and one of `source`."""
    with serving(folder, tenants=TENANTS if tenants is None else tenants) as running:
        desk = CatalogSteps(running.catalog)
        plans: list[Plan] = []
        for run_id, names in (("first", "ab"), ("second", "bc")):
            desk.catalog.runs.start(
                Run(run_id, "sync", source=SOURCE, destinations=(THERE,), flow_run_id=f"f-{run_id}")
            )
            wanted = [file(f"{name}.txt", etag=f"{name} {run_id}") for name in names]
            failing = file("d/bad.txt", etag="bad")
            plan = desk.plan([*wanted, failing] if run_id == "second" else wanted, THERE)
            desk.carry_out(plan, run_id, "d/bad.txt")
            desk.catalog.versions.record(run_id, plan.plan_id, allow_partial=True)
            desk.catalog.runs.end(run_id, "completed", "done", plan_id=plan.plan_id)
            plans.append(plan)
        breach = Breach("prices", "warn", "b.txt", "b.txt", None, None, 9, CASES)
        desk.catalog.runs.record_breaches("second", [breach])
        desk.list_source([file("a.txt")])
        yield Filled(running, desk, tuple(plans))


def listed(filled: Filled, address: str, resources: list[Resource]) -> int:
    """Record a listing of a repository, and return the number of its version."""
    return filled.desk.catalog.versions.record_listing(
        address, filled.desk.listing(resources)
    ).number
