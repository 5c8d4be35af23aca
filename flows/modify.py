"""Modify: make a version of a repository by removing and adding resources of versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from blocks.history import bytes_of
from blocks.repository import Repository
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
    """Resources of a version of a repository, to be added."""

    model_config = ConfigDict(extra="forbid")

    repository: str = Field(  # no block: one inside a model breaks Prefect's run form
        title="Repository", description="Whose version it is: a block's name, a path or a URL."
    )
    version: int | None = Field(
        default=None, title="Version", description="Number of the version; empty for the latest."
    )
    paths: list[str] = Field(
        default_factory=lambda: ["**"], title="Paths", description="Globs of what is added."
    )


@dataclass(frozen=True, slots=True)
class RequestedModification:
    """A modification that was asked for, and the repositories whose versions it is made out of."""

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
    """Return what was asked for, with the numbers of the versions that are meant by it now."""
    added = [resolved(one.repository) for one in add]
    additions = tuple(
        Addition(whose.address, _number(catalog, whose, one.version), tuple(one.paths))
        for one, whose in zip(add, added, strict=True)
    )
    base = (base_repository.address, _number(catalog, base_repository, base_version))
    modification = Modification(base, additions, tuple(remove), overwrite)
    return RequestedModification(modification, (base_repository, *added))


def _number(catalog: Catalog, repository: Repository, number: int | None) -> int:
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
    """Make a version of a repository: a base, less what is removed, with what is added.

    The files follow: what is added is copied from wherever its bytes lie and verified, what is
    removed goes into the repository's history.

    Args:
        repository: What is modified: a repository, its block's name, a path or a URL.
        add: Resources of versions of any repository; they replace those of the same path.
        remove: Paths to remove, before anything is added; '*' alone removes everything.
        base_version: The version to start from; the latest by default.
        base_repository: Whose version that is; by default the modified repository's own.
        overwrite: Whether an addition may replace other bytes of the same path.
        sources: Repositories that may hold the bytes, where no stored block leads to them.
        guards: How much may be removed or written before anybody is asked.
        approval: What happens where more is planned: the run fails, or waits for a person.

    Returns:
        What was done.

    Raises:
        InvalidInput: a path to remove is not there, '*' stands beside others, or two additions
            of one path differ; nothing was touched.
        ContentConflict: without `overwrite`, an addition would replace other bytes.
        BytesMissing: some bytes are nowhere to be had; they are named, and nothing was touched.
        NotRecorded: there is no such version.
    """
    end = resolved(repository)
    catalog = Catalog.open(Settings())
    wish = requested_modification(
        catalog,
        resolved(base_repository or end),
        base_version,
        add=add or (),
        remove=remove or (),
        overwrite=overwrite,
    )
    options = replace(RESTORING, guards=(guards or GuardSettings()).values(), approval=approval)
    given = [*wish.repositories, *(resolved(one) for one in sources or ())]
    with ActiveRun("modify", bytes_of(end), (end,)) as run:
        return apply_content(run, modified_content(catalog, wish.modification), options, given)
