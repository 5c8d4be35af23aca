"""Sync: bring every destination up to date with a source.

    from flows.sync import sync
    result = sync("https://mirror.example/data/", ["s3-archive", "/srv/data"])

It makes a plan and applies it: list the source, decide, deliver in batches, and record each
destination's next version.
"""

from __future__ import annotations

from blocks.contract import Contract
from blocks.repository import Repository
from blocks.resolve import repository
from blocks.webhook import Webhook
from blocks.webhook import webhook as webhook_of
from catalog.model.plan import Mode, OnError, Policy, Strategy
from flows.forms.approval import Approval
from flows.forms.contracts import load_contracts
from flows.forms.options import BatchSettings, GuardSettings, Options, StepSettings
from flows.forms.run_names import run_name
from flows.forms.selection import SelectionSettings, build_selection
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.planning import execute_plan, list_source, plan_listing, unique_destinations
from flows.runs.skip_unchanged import unchanged_since
from flows.runs.verb import verb
from orchestration.run import run_logger
from transfer.batch.delivery import CleanUp


@verb("sync", run_name)
def sync(  # noqa: PLR0913 - each is a field of the run form
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
    skip_unchanged: bool = False,
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
    webhook: Webhook | str | None = None,
) -> SyncResult:
    """Bring every destination up to date with a source.

    Args:
        source: Where the files come from: a repository, its block's name, a path or a URL.
        destinations: Where the files go: one or more repositories, names, paths or URLs.
        mode: Whether files that the source no longer has are removed (mirror) or kept (additive).
        policy: When bytes are fetched: now, at the first request, or at each (never stored).
        strategy: How to decide whether a file is already at the destination.
        include: Globs of the paths to include; none for all.
        exclude: Globs of the paths to exclude.
        skip_empty: Leave out files of zero bytes.
        allow_empty: Continue if no file matches.
        selection: More rules on which files take part, in addition to the four above.
        list_destinations: List the destinations, and do not rely on the catalog alone.
        skip_unchanged: Skip the sync if the source, the options and the destinations' versions
            are the same as after the last complete sync.
        on_error: Whether one failed file stops the run.
        allow_partial: Create a version at a destination even if files failed there.
        allow_gaps: Globs of files and folders that a listing may fail to see. Any other gap fails
            the run at its end; nothing in a gap is ever removed.
        clean_up: Whether files are removed from the source once every destination has them.
        checks: Your own functions that can refuse a file, each as module:function.
        steps: Your own steps of each batch: before, after or instead of download, validate,
            upload and cleanup.
        contracts: What the content of files must satisfy: contracts, names of blocks, YAML files,
            or YAML.
        guards: Limits on what may be removed or written at each destination without approval.
        approval: Whether a plan that crosses its guards fails, or waits for a person (ask).
        batches: The size of batches, and how many of their files are moved at once.
        webhook: Called with the files that each batch stored: a webhook, its block's name or a URL.

    Returns:
        What was done, one row per destination.

    Raises:
        SyncFailed: files failed; the error names them, and delivered files stay.
        GuardCrossed: the plan crosses its guards; nothing was changed.
        InvalidInput: a parameter is invalid; nothing was changed.
    """
    options = Options(
        mode=mode,
        policy=policy,
        strategy=strategy,
        selection=build_selection(
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
        steps=tuple(step.value() for step in steps or ()),
        contracts=load_contracts(contracts),
        guards=(guards or GuardSettings()).values(),
        approval=approval,
        batches=(batches or BatchSettings()).value(),
    )
    receiver = None if webhook is None else webhook_of(webhook)
    ends = unique_destinations([repository(reference) for reference in destinations])
    with ActiveRun("sync", repository(source), ends, webhook=receiver) as run:
        wanted, version = list_source(run, options)
        last, why = unchanged_since(run, options, version) if skip_unchanged else (None, "")
        if last is not None:
            return run.finish(None, version, allow_partial=False, unchanged_since=last.run_id)
        if why:
            run_logger().info("not skipped: %s", why)
        return execute_plan(run, plan_listing(run, wanted, options), options, version)
