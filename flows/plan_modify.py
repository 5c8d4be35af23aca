"""Plan a modification: decide what it would do and store the plan, without changing anything.

from flows.plan_modify import plan_modify
planned = plan_modify("s3-archive", remove=["old.bin"])     # what modify would do
apply(planned.plan_id)                                      # exactly that
"""

from __future__ import annotations

from dataclasses import replace

from blocks.repository import Repository
from blocks.reserved_folders import previous_bytes_folder
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.settings import Settings
from flows.forms.approval import Approval
from flows.forms.options import GuardSettings
from flows.forms.run_names import run_name
from flows.modify import AddSettings, requested_modification
from flows.results.plan import PlanResult
from flows.runs.active_run import ActiveRun
from flows.runs.show_plan import finish_plan
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
    """Plan a modification without changing anything; `apply` then does exactly that.

    The plan stores the numbers of the versions it uses, so later versions do not affect it.

    Args:
        repository: The repository to modify: a repository, its block's name, a path or a URL.
        add: Resources to add from versions of any repository; they replace those of the same path.
        remove: Paths to remove before anything is added; '*' alone removes everything.
        base_version: Number of the version to start from; by default the latest.
        base_repository: The repository of that version; by default the modified one.
        overwrite: Whether an addition may replace a file of the same path that differs.
        sources: More repositories that may have the bytes, besides the stored ones.
        guards: Limits on what may be removed or written without approval.
        approval: Whether `apply` of a plan that crosses its guards fails, or waits for a person.

    Returns:
        The plan: its id, totals, rows with reasons; false if it does nothing.

    Raises:
        InvalidInput: a path to remove does not exist, '*' is not alone, or two additions of the
            same path differ.
        ContentConflict: without `overwrite`, an addition would replace a different file.
        BytesMissing: some bytes cannot be found; the error names the files.
        NotRecorded: there is no such version.
    """
    end = resolved(repository)
    catalog = Catalog.open(Settings())
    requested = requested_modification(
        catalog,
        resolved(base_repository or end),
        base_version,
        add=add or (),
        remove=remove or (),
        overwrite=overwrite,
    )
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [*requested.repositories, *map(resolved, sources or ())]
    with ActiveRun("plan", previous_bytes_folder(end), (end,), writes=()) as run:
        content = modified_content(catalog, requested.modification)
        plan = plan_content(run, content, options, given)
        refuse_missing_bytes(run, plan)
        return finish_plan(run, plan, options)
