"""Promote: make other repositories hold exactly one version of a repository."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.settings import Settings
from catalog.store import Catalog
from flows.approval import Approval
from flows.content_plan import RESTORING, brought_about, whole
from flows.delivery import Running
from flows.names import run_name
from flows.options import GuardSettings
from flows.planning import distinct
from flows.result import SyncResult
from flows.verb import verb


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
    wanted = catalog.chosen_version(origin.address, version, at)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [origin, *(resolved(one) for one in sources or ())]
    source, content = whole(catalog, origin, wanted, ends)
    with Running("promote", source, ends) as run:
        return brought_about(run, content, options, given)
