"""Plan: decide what a sync would do, store it, and touch nothing.

from flows.plan import plan
from flows.apply import apply
planned = plan("https://mirror.example/data/", ["s3-archive"], mode="mirror")
planned                      # prints what would be added, replaced and removed, and why
apply(planned.plan_id)       # does exactly that, or says what has moved since
"""

from __future__ import annotations

from blocks.contract import Contract
from blocks.repository import Repository
from blocks.resolve import repository
from catalog.model.plan import Mode, OnError, Policy, Strategy
from flows.forms.approval import Approval
from flows.forms.contracts import contracts as contracts_of
from flows.forms.options import BatchSettings, GuardSettings, Options, StepSettings
from flows.forms.run_names import run_name
from flows.forms.selection import SelectionSettings, selected
from flows.results.plan import PlanResult
from flows.runs.active_run import ActiveRun
from flows.runs.planning import distinct, list_and_plan
from flows.runs.show_plan import planned_result
from flows.runs.verb import verb
from transfer.batch.delivery import CleanUp


@verb("plan", run_name)
def plan(  # noqa: PLR0913 - each is a field of the run form
    source: Repository | str,
    destinations: list[Repository | str],
    *,
    mode: Mode = Mode.ADDITIVE,
    policy: Policy = Policy.IMMEDIATE,
    strategy: Strategy = Strategy.DIGEST,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    skip_empty: bool = False,
    allow_empty: bool = False,
    selection: SelectionSettings | None = None,
    list_destinations: bool = True,
    on_error: OnError = OnError.CONTINUE,
    allow_partial: bool = False,
    allow_gaps: list[str] | None = None,
    clean_up: CleanUp = CleanUp.KEEP,
    checks: list[str] | None = None,
    steps: list[StepSettings] | None = None,
    contracts: list[Contract | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
    batches: BatchSettings | None = None,
) -> PlanResult:
    """Decide what a sync would do, store it under an id, and touch nothing.

    Args:
        source: Where the files come from: a repository, its block's name, a path or a URL.
        destinations: Where they go: any number of repositories, names, paths or URLs.
        mode: Whether what the source dropped is removed from the destinations (mirror) or stays.
        policy: When bytes are fetched: now, at the first request, or at each and never kept.
        strategy: What makes a file count as already there.
        include: Globs of the paths that take part; none for all.
        exclude: Globs of the paths that do not take part.
        skip_empty: Leave files of zero bytes out.
        allow_empty: Go on when no file matches.
        selection: More rules on which files take part; they apply beside the four above.
        list_destinations: Look at what the destinations hold now, beside what the catalog knows.
        on_error: Whether one failed file stops the run that applies the plan.
        allow_partial: Make a version at a destination although files failed there.
        allow_gaps: Globs of names and folders that need not be seen when listing. Others that
            cannot be seen fail the run at its end; nothing there is ever removed.
        clean_up: Whether files are removed at the source once every destination holds them.
        checks: Your own functions that may refuse a file, each as module:function.
        steps: Steps of your own for each batch: before, after or instead of download, validate,
            upload and cleanup.
        contracts: What the content of files must satisfy: contracts, their blocks' names, files
            of YAML, or YAML.
        guards: How much may be removed or written at each destination before anybody is asked.
        approval: What happens on `apply` where more is planned: it fails, or waits for a person.
        batches: How large a batch is, and how much of it goes on at once.

    Returns:
        The plan: its id, totals for each destination, rows with reasons. False if nothing is to do.

    Raises:
        InvalidInput: a parameter cannot be used.
    """
    options = Options(
        mode=mode,
        policy=policy,
        strategy=strategy,
        selection=selected(
            selection,
            include=include,
            exclude=exclude,
            skip_empty=skip_empty,
            allow_empty=allow_empty,
        ),
        listed=list_destinations,
        on_error=on_error,
        allow_partial=allow_partial,
        allow_gaps=tuple(allow_gaps or ()),
        clean_up=clean_up,
        checks=tuple(checks or ()),
        steps=tuple(one.value() for one in steps or ()),
        contracts=contracts_of(contracts),
        guards=(guards or GuardSettings()).values(),
        approval=approval,
        batches=(batches or BatchSettings()).value(),
    )
    ends = distinct([repository(one) for one in destinations])
    origin = repository(source)
    with ActiveRun("plan", origin, ends, writes=()) as run:
        made, _ = list_and_plan(run, options)
        return planned_result(run, made, options)
