"""Restore: make a repository contain what it contained at an earlier version or time.

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
    """Restore an earlier version of a repository, as a new version.

    Bytes are read from the repository's history, or from any place where the catalog knows their
    digest, and verified. Files that the catalog does not know are left alone.

    Args:
        repository: The repository to restore: a repository, its block's name, a path or a URL.
        version: The version's number; by default the latest.
        at: A time; restores the version that was the latest then.
        sources: More repositories that may have the bytes, besides the stored ones.
        guards: Limits on what may be removed or written without approval.
        approval: Whether a plan that crosses its guards fails, or waits for a person (ask).

    Returns:
        What was done.

    Raises:
        BytesMissing: some bytes cannot be found; the error names the files, nothing was changed.
        NotRecorded: there is no such version.
        GuardCrossed: the plan crosses its guards; nothing was changed.
    """
    end = resolved(repository)
    catalog = Catalog.open(Settings())
    wanted = catalog.versions.choose(end.address, version, at)
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = list(map(resolved, sources or ()))
    source, content = version_content(catalog, end, wanted, (end,))
    with ActiveRun("restore", source, (end,)) as run:
        return apply_content(run, content, options, given)
