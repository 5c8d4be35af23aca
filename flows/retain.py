"""Retain: set how many of a repository's newest versions are kept.

from flows.retain import retain
retain("s3-archive", 10)
"""

from __future__ import annotations

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from flows.forms.run_names import short_name
from flows.results.versions import RemainingVersions
from flows.runs.verb import verb
from flows.runs.version_changes import change_versions
from orchestration.run import run_parameters


def run_name() -> str:
    """Return `retain <versions> of <repository>` for the run that starts."""
    given = run_parameters()
    versions = given.get("versions")
    kept = "all" if versions is None else versions
    return f"retain {kept} of {short_name(given.get('repository'))}"[:200]


@verb("retain", run_name)
def retain(repository: Repository | str, versions: int | None) -> RemainingVersions:
    """Keep only the newest versions of a repository, now and after each new version.

    Older versions are deleted, and the next remaining version takes over what they changed; no file
    is changed. Protected versions are kept and do not count.

    Args:
        repository: The repository: a repository, its block's name, a path or a URL.
        versions: How many versions to keep, at least one; none for all.

    Returns:
        The deleted versions, and those that remain.

    Raises:
        InvalidInput: `versions` is less than one.
    """
    whose = resolved(repository)
    return change_versions(
        "retain", whose, lambda catalog: catalog.retention.keep(whose.address, versions)
    )
