"""Plan a restore: decide what it would do, store it under an id, and touch nothing.

from flows.plan_restore import plan_restore
plan_restore("s3-archive", version=7)                       # what restore would do
plan_restore("s3-archive", ["/srv/data"], version=7)        # what promote would do
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.settings import Settings
from flows.forms.approval import Approval
from flows.forms.options import GuardSettings
from flows.forms.run_names import run_name
from flows.results.plan import PlanResult
from flows.runs.active_run import ActiveRun
from flows.runs.planning import distinct
from flows.runs.show_plan import planned_result
from flows.runs.verb import verb
from flows.runs.version_plans import RESTORING, plan_content, refuse_missing_bytes, version_content


@verb("plan-restore", run_name)
def plan_restore(
    repository: Repository | str,
    destinations: list[Repository | str] | None = None,
    *,
    version: int | None = None,
    at: datetime | None = None,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> PlanResult:
    """Decide what a restore or a promotion would do; `apply` then does exactly that.

    Args:
        repository: Whose version is wanted: a repository, its block's name, a path or a URL.
        destinations: What shall hold it; by default the repository itself.
        version: The number of the version; the latest if neither it nor a moment is given.
        at: A moment; the version that was the latest then is meant.
        sources: Further repositories that may hold the bytes.
        guards: How much may be removed or written before anybody is asked.
        approval: What happens on `apply` where more is planned: it fails, or waits for a person.

    Returns:
        The plan: its id, totals for each destination, rows with reasons. False if nothing is to do.

    Raises:
        BytesMissing: some bytes are nowhere to be had; they are named.
        NotRecorded: there is no such version.
    """
    origin = resolved(repository)
    ends = distinct([resolved(one) for one in destinations or [origin]])
    catalog = Catalog.open(Settings())
    wanted = catalog.versions.choose(origin.address, version, at)
    source, content = version_content(catalog, origin, wanted, ends)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [origin, *(resolved(one) for one in sources or ())]
    with ActiveRun("plan", source, ends, writes=()) as run:
        plan = plan_content(run, content, options, given)
        refuse_missing_bytes(run, plan)
        return planned_result(run, plan, options)
