"""Delete version: remove one version from a repository's history; no file is changed.

from flows.delete_version import delete_version
delete_version("s3-archive", 3)
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
    """Return `delete-version <number> of <repository>` for the run that starts."""
    given = run_parameters()
    return f"delete-version {given.get('number')} of {short_name(given.get('repository'))}"[:200]


@verb("delete-version", run_name)
def delete_version(repository: Repository | str, number: int) -> RemainingVersions:
    """Delete one version from a repository's history; no file and no other version changes.

    The next version takes over what the deleted one changed. Its number is never reused. Deleting a
    version again is not an error.

    Args:
        repository: The repository of the version: a repository, its block's name, a path or a URL.
        number: The version's number; a protected version, or the only one, cannot be deleted.

    Returns:
        The deleted version, and the versions that remain.

    Raises:
        NotRecorded: the repository never had such a version.
        InvalidInput: the version is protected, or the only one.
    """
    whose = resolved(repository)
    return change_versions(
        "delete-version",
        whose,
        lambda catalog: (number,) if catalog.versions.delete(whose.address, number) else (),
    )
