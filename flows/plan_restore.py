"""Plan a restore: decide what it would do and store the plan, without changing anything.

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
from flows.runs.planning import unique_destinations
from flows.runs.show_plan import finish_plan
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
    """Plan a restore or a promotion without changing anything; `apply` then does exactly that.

    Args:
        repository: The repository of the version: a repository, its block's name, a path or a URL.
        destinations: Where to put the version; by default the repository itself.
        version: The version's number; by default the latest.
        at: A time; plans for the version that was the latest then.
        sources: More repositories that may have the bytes.
        guards: Limits on what may be removed or written without approval.
        approval: Whether `apply` of a plan that crosses its guards fails, or waits for a person.

    Returns:
        The plan: its id, totals per destination, rows with reasons; false if it does nothing.

    Raises:
        BytesMissing: some bytes cannot be found; the error names the files.
        NotRecorded: there is no such version.
    """
    origin = resolved(repository)
    ends = unique_destinations([resolved(reference) for reference in destinations or [origin]])
    catalog = Catalog.open(Settings())
    wanted = catalog.versions.choose(origin.address, version, at)
    source, content = version_content(catalog, origin, wanted, ends)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [origin, *map(resolved, sources or ())]
    with ActiveRun("plan", source, ends, writes=()) as run:
        plan = plan_content(run, content, options, given)
        refuse_missing_bytes(run, plan)
        return finish_plan(run, plan, options)
