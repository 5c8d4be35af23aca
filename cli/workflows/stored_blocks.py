"""The blocks of a workflow file at Prefect's server: those it needs, and those it needed before."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from blocks.repository import Repository
from blocks.webhook import Webhook
from catalog.errors import InvalidInput
from cli.setup.report import ChangeKind
from flows.workflows.endpoints import WorkflowEndpoint
from flows.workflows.file import Workflow, Workflows

OWNER = "workflows"
"""Label of a block, and prefix of a deployment's tag, that name the workflow file."""

StoredBlock = Repository | Webhook


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A block to store; if `wanted` is None, to remove."""

    name: str
    block_type: type[StoredBlock]
    kind: ChangeKind
    wanted: StoredBlock | None = None
    stored_id: UUID | None = None

    @property
    def label(self) -> str:
        """Return its name in a report."""
        return f"{self.block_type.__name__.lower()} {self.name}"


def slug(name: str) -> str:
    """Return a name in the form that Prefect accepts for a block.

    >>> slug("foo_1")
    'foo-1'
    """
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not text:
        raise InvalidInput(
            f"{name!r} contains no ASCII letter or digit, which the name of a block needs: "
            "rename it"
        )
    return text


def block_name(file: str, endpoint: WorkflowEndpoint) -> str:
    """Return the name of the block that a file's source or destination is stored under."""
    return f"{slug(file)}-{endpoint.role.value}-{slug(endpoint.name)}"


def wanted_blocks(workflows: Workflows) -> dict[str, StoredBlock]:
    """Return the blocks that a file needs, by their names."""
    owner = {OWNER: workflows.name}
    candidates: list[tuple[str, str, StoredBlock]] = []
    for endpoint in workflows.endpoints():
        if endpoint.in_memory:
            raise InvalidInput(
                f"{endpoint.role.value} {endpoint.name!r} of type noop exists only in one process: "
                "use `entrepot workflows run`; it cannot be deployed"
            )
        if endpoint.repository is not None:
            labels = {**endpoint.repository.labels, **owner}
            repository = endpoint.repository.model_copy(update={"labels": labels})
            name = block_name(workflows.name, endpoint)
            candidates.append((name, endpoint.name, repository))
    for workflow in workflows.workflows:
        if isinstance(workflow.webhook, Webhook):
            labels = {**workflow.webhook.labels, **owner}
            webhook = workflow.webhook.model_copy(update={"labels": labels})
            name = webhook_name(workflows.name, workflow)
            candidates.append((name, workflow.name, webhook))
    blocks: dict[str, StoredBlock] = {}
    names_in_file: dict[str, str] = {}
    for name, name_in_file, block in candidates:
        if name in blocks:
            raise InvalidInput(
                f"{names_in_file[name]!r} and {name_in_file!r} would both be stored as {name!r}: "
                "rename one"
            )
        blocks[name], names_in_file[name] = block, name_in_file
    return blocks


def webhook_name(file: str, workflow: Workflow) -> str:
    """Return the name of the block that the webhook of a workflow is stored under."""
    return f"{slug(file)}-webhook-{slug(workflow.name)}"


def block_change(
    client: SyncPrefectClient, file: str, name: str, wanted: StoredBlock
) -> BlockChange:
    """Return the change that stores a block; a stored block of its name must belong to the file."""
    block_type = type(wanted)
    try:
        stored = client.read_block_document_by_name(name, block_type.get_block_type_slug())
    except ObjectNotFound:
        return BlockChange(name, block_type, ChangeKind.CREATED, wanted)
    data: dict[str, Any] = stored.data
    if (data.get("labels") or {}).get(OWNER) != file:
        raise InvalidInput(
            f"a {block_type.__name__.lower()} {name!r} is stored and does not belong to the "
            f"workflow file {file!r}: rename one of them, or name the file with `name:`"
        )
    try:
        same = _fields(block_type.model_validate(data)) == _fields(wanted)
    except ValidationError:
        same = False
    kind = ChangeKind.UNCHANGED if same else ChangeKind.CHANGED
    return BlockChange(name, block_type, kind, wanted, stored.id)


def _fields(block: StoredBlock) -> dict[str, Any]:
    return {name: getattr(block, name) for name in type(block).model_fields}


def obsolete_blocks(
    client: SyncPrefectClient,
    file: str,
    wanted: Collection[str],
    kind: ChangeKind,
) -> Iterator[BlockChange]:
    """Yield a change for each block that an earlier apply stored and the file no longer needs."""
    for block_type in (Repository, Webhook):
        try:
            documents = client.read_block_documents_by_type(block_type.get_block_type_slug())
        except ObjectNotFound:
            continue
        for document in documents:
            labels = document.data.get("labels") or {}
            if labels.get(OWNER) == file and document.name and document.name not in wanted:
                yield BlockChange(document.name, block_type, kind, stored_id=document.id)
