"""Retain: keep so many of a repository's newest versions, now and after each new one.

from flows.retain import retain
retain("s3-archive", 10)
"""

from __future__ import annotations

from prefect.runtime import flow_run

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from flows.forms.run_names import shown
from flows.results.history import VersionResult
from flows.runs.change_history import change_history
from flows.runs.verb import verb


def run_name() -> str:
    """Return `retain <versions> of <repository>` of the run that begins."""
    given = dict(flow_run.parameters or {})
    versions = given.get("versions")
    kept = "all" if versions is None else versions
    return f"retain {kept} of {shown(given.get('repository'))}"[:200]


@verb("retain", run_name)
def retain(repository: Repository | str, versions: int | None) -> VersionResult:
    """Keep so many of a repository's newest versions, now and after each new one.

    Older ones are deleted and go into the next that remains; no file is touched. Protected
    versions stay and do not count.

    Args:
        repository: Whose versions: a repository, its block's name, a path or a URL.
        versions: How many stay, at least one; none for all.

    Returns:
        What was deleted, and the versions that remain.

    Raises:
        InvalidInput: fewer than one were to stay.
    """
    whose = resolved(repository)
    return change_history(
        "retain", whose, lambda catalog: catalog.retention.keep(whose.address, versions)
    )
