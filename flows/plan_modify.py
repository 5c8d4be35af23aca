"""Plan a modification: decide what it would do, store it under an id, and touch nothing.

from flows.plan_modify import plan_modify
planned = plan_modify("s3-archive", remove=["old.bin"])     # what modify would do
apply(planned.plan_id)                                      # exactly that
"""

from __future__ import annotations

from dataclasses import replace

from blocks.history import bytes_of
from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.settings import Settings
from flows.forms.approval import Approval
from flows.forms.options import GuardSettings
from flows.forms.run_names import run_name
from flows.modify import AddSettings, requested_modification
from flows.results.plan import PlanResult
from flows.runs.active_run import ActiveRun
from flows.runs.show_plan import planned_result
from flows.runs.verb import verb
from flows.runs.version_plans import RESTORING, modified_content, plan_content, refuse_missing_bytes


@verb("plan-modify", run_name)
def plan_modify(  # noqa: PLR0913 - each is a field of the run form
    repository: Repository | str,
    *,
    add: list[AddSettings] | None = None,
    remove: list[str] | None = None,
    base_version: int | None = None,
    base_repository: Repository | str | None = None,
    overwrite: bool = True,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> PlanResult:
    """Decide what `modify` would do; `apply` then does exactly that.

    The plan holds the numbers of the versions that are meant now, so later ones change nothing.

    Args:
        repository: What is modified: a repository, its block's name, a path or a URL.
        add: Resources of versions of any repository; they replace those of the same path.
        remove: Paths to remove, before anything is added; '*' alone removes everything.
        base_version: The version to start from; the latest by default.
        base_repository: Whose version that is; by default the modified repository's own.
        overwrite: Whether an addition may replace other bytes of the same path.
        sources: Repositories that may hold the bytes, where no stored block leads to them.
        guards: How much may be removed or written before anybody is asked.
        approval: What happens on `apply` where more is planned: it fails, or waits for a person.

    Returns:
        The plan: its id, totals, rows with reasons. False if nothing is to do.

    Raises:
        InvalidInput: a path to remove is not there, '*' stands beside others, or two additions
            of one path differ.
        ContentConflict: without `overwrite`, an addition would replace other bytes.
        BytesMissing: some bytes are nowhere to be had; they are named.
        NotRecorded: there is no such version.
    """
    end = resolved(repository)
    catalog = Catalog.open(Settings())
    wish = requested_modification(
        catalog,
        resolved(base_repository or end),
        base_version,
        add=add or (),
        remove=remove or (),
        overwrite=overwrite,
    )
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [*wish.repositories, *(resolved(one) for one in sources or ())]
    with ActiveRun("plan", bytes_of(end), (end,), writes=()) as run:
        plan = plan_content(run, modified_content(catalog, wish.modification), options, given)
        refuse_missing_bytes(run, plan)
        return planned_result(run, plan, options)
