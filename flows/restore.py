"""Restore: make a repository hold again what it held at an earlier version, or at a time.

from flows.restore import restore
restore("s3-archive", version=7)
restore("/srv/data", at="2026-03-03T12:00:00Z")
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
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from flows.runs.version_plans import RESTORING, apply_content, version_content


@verb("restore", run_name)
def restore(
    repository: Repository | str,
    *,
    version: int | None = None,
    at: datetime | None = None,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> SyncResult:
    """Make a repository hold exactly what it held at an earlier version, as a new version.

    Bytes come from the repository's own history, or from any place whose digest the catalog
    knows; each file is verified. Files that the catalog does not know are left alone.

    Args:
        repository: What to restore: a repository, its block's name, a path or a URL.
        version: The number of the version; the latest if neither it nor a moment is given.
        at: A moment; the version that was the latest then is restored.
        sources: Repositories that may hold the bytes, where no stored block leads to them.
        guards: How much may be removed or written before anybody is asked.
        approval: What happens where more is planned: the run fails, or waits for a person.

    Returns:
        What was done.

    Raises:
        BytesMissing: some bytes are nowhere to be had; they are named, and nothing was touched.
        NotRecorded: there is no such version.
        GuardCrossed: the plan does more than its guards allow; nothing was touched.
    """
    end = resolved(repository)
    catalog = Catalog.open(Settings())
    wanted = catalog.versions.choose(end.address, version, at)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [resolved(one) for one in sources or ()]
    source, content = version_content(catalog, end, wanted, (end,))
    with ActiveRun("restore", source, (end,)) as run:
        return apply_content(run, content, options, given)
