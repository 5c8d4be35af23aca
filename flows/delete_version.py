"""Delete version: take one version out of a repository's history; no file is touched.

from flows.delete_version import delete_version
delete_version("s3-archive", 3)
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
    """Return `delete-version <number> of <repository>` of the run that begins."""
    given = dict(flow_run.parameters or {})
    return f"delete-version {given.get('number')} of {shown(given.get('repository'))}"[:200]


@verb("delete-version", run_name)
def delete_version(repository: Repository | str, number: int) -> VersionResult:
    """Take one version out of a repository's history; every other keeps its exact content.

    What the version changed goes into the next one. Its number is never used again. A version
    that was deleted before is no error.

    Args:
        repository: Whose version: a repository, its block's name, a path or a URL.
        number: Which version; the only one left, and a protected one, cannot be deleted.

    Returns:
        What was deleted, and the versions that remain.

    Raises:
        NotRecorded: the repository never had such a version.
        InvalidInput: the version is protected, or the only one.
    """
    whose = resolved(repository)
    return change_history(
        "delete-version",
        whose,
        lambda catalog: (number,) if catalog.versions.delete(whose.address, number) else (),
    )
