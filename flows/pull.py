"""Pull: fetch chosen files and folders of a repository into a local directory.

from flows.pull import pull
pull("s3-models", ["mnist/v3", {"remotePath": "readme.md", "localPath": "docs/"}], "./models")
"""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from blocks.contract import Contract
from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.model.plan import Selection, Strategy
from catalog.rules.pull_targets import PullTarget
from catalog.settings import Settings
from flows.forms.contracts import load_contracts
from flows.forms.options import Options
from flows.forms.run_names import run_name
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.overlaps import refuse_overlaps
from flows.runs.planning import execute_plan, store_plan
from flows.runs.verb import verb
from providers.local.settings import LocalSettings
from providers.local.storage import Placement
from tasks.listing.targets import list_pull_targets
from transfer.batch.delivery import History


class TargetSettings(BaseModel, title="Target"):
    """One file or folder to pull."""

    model_config = ConfigDict(extra="forbid")

    remote_path: str = Field(
        validation_alias=AliasChoices("remote_path", "remotePath"),
        title="Remote path",
        description="File or folder in the repository.",
    )
    local_path: str | None = Field(
        default=None,
        validation_alias=AliasChoices("local_path", "localPath"),
        title="Local path",
        description="Another local name; a folder if it ends in a slash.",
    )


@verb("pull", run_name)
def pull(
    repository: Repository | str | dict[str, Any],
    targets: list[TargetSettings | str],
    directory: str,
    *,
    strategy: Strategy = Strategy.DIGEST,
    placement: Placement = Placement.COPY,
    skip_empty: bool = False,
    allow_empty: bool = False,
    contracts: list[Contract | str] | None = None,
) -> SyncResult:
    """Fetch chosen files and folders of a repository into a local directory.

    Args:
        repository: Where the files come from: a repository, its block's name, a path, a URL, or
            a mapping with a `type` (PullMan's form).
        targets: Files and folders to fetch; a leading slash is ignored, '' is everything.
        directory: The local directory to write to.
        strategy: How to decide whether a file is already at the destination.
        placement: Copy files, or link to them if the repository is a local folder.
        skip_empty: Leave out files of zero bytes.
        allow_empty: Continue if a target matches nothing.
        contracts: What the content of files must satisfy: contracts, names of blocks, YAML files,
            or YAML.

    Returns:
        What was done.

    Raises:
        SyncFailed: files failed; the error names them.
        NothingMatched: a target matches nothing.
        InvalidInput: a parameter is invalid.
    """
    origin = resolved(repository)
    end = Repository(storage=LocalSettings(path=directory, placement=placement))
    chosen = [
        PullTarget(target)
        if isinstance(target, str)
        else PullTarget(target.remote_path, target.local_path)
        for target in targets
    ]
    if not chosen:
        raise InvalidInput("a pull needs at least one target, found none")
    options = Options(
        strategy=strategy,
        selection=Selection(skip_empty=skip_empty, allow_empty=allow_empty),
        contracts=load_contracts(contracts),
        history=History.DROP,  # a working copy: replaced files can be pulled again
    )
    refuse_overlaps(origin, (end,), options.selection)
    with ActiveRun("pull", origin, (end,)) as run:
        wanted = list_pull_targets(origin, chosen, run.job.run_id, allow_empty=allow_empty)
        return execute_plan(
            run, store_plan(run, wanted, options, Settings().trusted_digests), options, None
        )
