"""Promote: copy one version of a repository to other repositories."""

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
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.planning import unique_destinations
from flows.runs.verb import verb
from flows.runs.version_plans import RESTORING, apply_content, version_content


@verb("promote", run_name)
def promote(
    repository: Repository | str,
    destinations: list[Repository | str],
    *,
    version: int | None = None,
    at: datetime | None = None,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> SyncResult:
    """Copy one version to other repositories, which then contain exactly that, each file verified.

    Args:
        repository: The repository of the version: a repository, its block's name, a path or a URL.
        destinations: Where to copy it: repositories, names of blocks, paths or URLs.
        version: The version's number; by default the latest.
        at: A time; promotes the version that was the latest then.
        sources: More repositories that may have the bytes.
        guards: Limits on what may be removed or written at each destination without approval.
        approval: Whether a plan that crosses its guards fails, or waits for a person (ask).

    Returns:
        What was done, one row per destination.

    Raises:
        BytesMissing: some bytes cannot be found; the error names the files, nothing was changed.
        NotRecorded: there is no such version.
        GuardCrossed: the plan crosses its guards; nothing was changed.
    """
    origin = resolved(repository)
    ends = unique_destinations([resolved(reference) for reference in destinations])
    catalog = Catalog.open(Settings())
    wanted = catalog.versions.choose(origin.address, version, at)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [origin, *map(resolved, sources or ())]
    source, content = version_content(catalog, origin, wanted, ends)
    with ActiveRun("promote", source, ends) as run:
        return apply_content(run, content, options, given)
