"""Stored plans: created, rechecked, and read by batch.

>>> catalog.plans.get(plan_id).tallies                          # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from catalog.catalog_file import CatalogFile
from catalog.glob import globs_to_regex
from catalog.inbox.plan_request import request_to_json
from catalog.model.plan import Action, Plan, PlanItem, PlannedBatch, PlanRequest
from catalog.model.run import PlanRow
from catalog.queries import read_plans
from catalog.queries.paging import (
    FIRST_PAGE,
    Page,
    PageRequest,
    make_page,
)
from catalog.store import statements


class Plans:
    """The plans of a catalog."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def make(self, request: PlanRequest) -> Plan:
        """Decide and store what a sync will do; `InvalidInput` if it cannot be done."""
        for patterns in (request.selection.include, request.selection.exclude):
            globs_to_regex(patterns)
        self._file.submit_and_wait("plan", request_to_json(request))
        return self.get(request.plan_id)

    def recheck(self, request: PlanRequest) -> tuple[int, tuple[str, ...]]:
        """Compare a stored plan with fresh listings; return how many rows changed, and the first.

        `request` is the plan's own, with fresh listings of its source and targets.
        """
        result = self._file.submit_and_wait("recheck", request_to_json(request))
        return cast("int", result["count"]), tuple(cast("list[str]", result["moved"]))

    def get(self, plan_id: str) -> Plan:
        """Return a stored plan."""
        with self._file.connect() as connection:
            return read_plans.read_plan(connection, self._file.tenant, plan_id)

    def batches(self, plan_id: str) -> list[PlannedBatch]:
        """Return the batches of a plan in order; removals come last."""
        with self._file.connect() as connection:
            return read_plans.read_batches(connection, self._file.tenant, plan_id)

    def items(
        self, plan_id: str, batch: int, places: Collection[str] | None = None
    ) -> list[PlanItem]:
        """Return the items of one batch, in path order.

        `places` are further addresses that may be read, by default those of the plan.
        """
        with self._file.connect() as connection:
            return read_plans.read_items(connection, self._file.tenant, plan_id, batch, places)

    def rows(
        self, plan_id: str, action: Action | None = None, limit: int | None = None
    ) -> list[PlanRow]:
        """Return the rows of a plan: each path at each destination, with the reason."""
        with self._file.connect() as connection:
            return read_plans.read_plan_rows(connection, self._file.tenant, plan_id, action, limit)

    def changes(self, plan_id: str, limit: int | None = None) -> list[PlanRow]:
        """Return the rows of a plan that change something, removals first."""
        with self._file.connect() as connection:
            return read_plans.read_plan_changes(connection, self._file.tenant, plan_id, limit)

    def request(self, plan_id: str) -> PlanRequest:
        """Return the request of a stored plan."""
        with self._file.connect() as connection:
            return read_plans.read_plan_request(connection, self._file.tenant, plan_id)

    def page(
        self, plan_id: str, actions: Collection[Action], request: PageRequest = FIRST_PAGE
    ) -> Page[PlanRow]:
        """Return a page of a plan's rows with one of `actions`, by path and target."""
        path, target = request.cursor_keys(str, int)
        with self._file.connect() as connection:
            read_plans.read_plan(connection, self._file.tenant, plan_id)
            rows = statements.fetch_rows(
                connection,
                statements.load_sql("plans/rows_page"),
                tenant=self._file.tenant,
                plan_id=plan_id,
                actions=[action.value for action in actions],
                path=path,
                target=target,
                count=request.count + 1,
            )
        return make_page([(PlanRow(*row[:-1]), (row[0], row[-1])) for row in rows], request)

    def id_of(self, address: str, number: int) -> str | None:
        """Return the id of the plan that created a version, if one did."""
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection,
                "SELECT plan_id FROM repository_versions"
                " WHERE repository = $repository::UUID AND number = $number",
                repository=self._file.key(address),
                number=number,
            )
        return rows[0][0] if rows else None
