"""Promote: make other repositories hold exactly one version of a repository."""

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
from flows.runs.planning import distinct
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
    """Make other repositories hold exactly one version of a repository, each file verified.

    Args:
        repository: Whose version it is: a repository, its block's name, a path or a URL.
        destinations: What shall hold it: repositories, names, paths or URLs.
        version: The number of the version; the latest if neither it nor a moment is given.
        at: A moment; the version that was the latest then is promoted.
        sources: Further repositories that may hold the bytes.
        guards: How much may be removed or written at each destination before anybody is asked.
        approval: What happens where more is planned: the run fails, or waits for a person.

    Returns:
        What was done, one row a destination.

    Raises:
        BytesMissing: some bytes are nowhere to be had; they are named, and nothing was touched.
        NotRecorded: there is no such version.
        GuardCrossed: the plan does more than its guards allow; nothing was touched.
    """
    origin = resolved(repository)
    ends = distinct([resolved(one) for one in destinations])
    catalog = Catalog.open(Settings())
    wanted = catalog.versions.choose(origin.address, version, at)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [origin, *(resolved(one) for one in sources or ())]
    source, content = version_content(catalog, origin, wanted, ends)
    with ActiveRun("promote", source, ends) as run:
        return apply_content(run, content, options, given)
