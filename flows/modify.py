"""Modify: create a version of a repository by removing and adding files of versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from blocks.repository import Repository
from blocks.reserved_folders import previous_bytes_folder
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.model.modification import Addition, Modification
from catalog.settings import Settings
from flows.forms.approval import Approval
from flows.forms.options import GuardSettings
from flows.forms.run_names import run_name
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from flows.runs.version_plans import RESTORING, apply_content, modified_content


class AddSettings(BaseModel, title="Add"):
    """Files to add, from a version of a repository."""

    model_config = ConfigDict(extra="forbid")

    repository: str = Field(  # no block: one inside a model breaks Prefect's run form
        title="Repository", description="Where to add from: a block's name, a path or a URL."
    )
    version: int | None = Field(
        default=None, title="Version", description="The version's number; empty for the latest."
    )
    paths: list[str] = Field(
        default_factory=lambda: ["**"], title="Paths", description="Globs of the paths to add."
    )


@dataclass(frozen=True, slots=True)
class RequestedModification:
    """A modification, and the repositories of the versions that it uses."""

    modification: Modification
    repositories: tuple[Repository, ...]


def requested_modification(
    catalog: Catalog,
    base_repository: Repository,
    base_version: int | None,
    *,
    add: Sequence[AddSettings],
    remove: Sequence[str],
    overwrite: bool,
) -> RequestedModification:
    """Return the requested modification, with the current version numbers filled in."""
    repositories = [resolved(addition.repository) for addition in add]
    additions = tuple(
        Addition(
            repository.address,
            _choose_version(catalog, repository, addition.version),
            tuple(addition.paths),
        )
        for addition, repository in zip(add, repositories, strict=True)
    )
    base = (base_repository.address, _choose_version(catalog, base_repository, base_version))
    modification = Modification(base, additions, tuple(remove), overwrite)
    return RequestedModification(modification, (base_repository, *repositories))


def _choose_version(catalog: Catalog, repository: Repository, number: int | None) -> int:
    return catalog.versions.choose(repository.address, number).number


@verb("modify", run_name)
def modify(  # noqa: PLR0913 - each is a field of the run form
    repository: Repository | str,
    *,
    add: list[AddSettings] | None = None,
    remove: list[str] | None = None,
    base_version: int | None = None,
    base_repository: Repository | str | None = None,
    overwrite: bool = True,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> SyncResult:
    """Create a version of a repository: a base version, minus removals, plus additions.

    The repository's files are changed accordingly: added files are copied from wherever their bytes
    are and verified, removed files are kept in the repository's history.

    Args:
        repository: The repository to modify: a repository, its block's name, a path or a URL.
        add: Resources to add from versions of any repository; they replace those of the same path.
        remove: Paths to remove before anything is added; '*' alone removes everything.
        base_version: Number of the version to start from; by default the latest.
        base_repository: The repository of that version; by default the modified one.
        overwrite: Whether an addition may replace a file of the same path that differs.
        sources: More repositories that may have the bytes, besides the stored ones.
        guards: Limits on what may be removed or written without approval.
        approval: Whether a plan that crosses its guards fails, or waits for a person (ask).

    Returns:
        What was done.

    Raises:
        InvalidInput: a path to remove does not exist, '*' is not alone, or two additions of the
            same path differ; nothing was changed.
        ContentConflict: without `overwrite`, an addition would replace a different file.
        BytesMissing: some bytes cannot be found; the error names the files, nothing was changed.
        NotRecorded: there is no such version.
    """
    end = resolved(repository)
    catalog = Catalog.open(Settings())
    requested = requested_modification(
        catalog,
        resolved(base_repository or end),
        base_version,
        add=add or (),
        remove=remove or (),
        overwrite=overwrite,
    )
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [*requested.repositories, *map(resolved, sources or ())]
    with ActiveRun("modify", previous_bytes_folder(end), (end,)) as run:
        content = modified_content(catalog, requested.modification)
        return apply_content(run, content, options, given)
