"""The blocks of a workflow file at Prefect's server: which it needs, and which it has had."""

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
from cli.setup.steps import ChangeKind
from flows.workflows.endpoints import WorkflowEndpoint
from flows.workflows.file import Workflow, Workflows

OWNER = "workflows"
"""The label of a block, and the beginning of a deployment's tag, that names the file."""

Held = Repository | Webhook


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A block to store; None: to remove."""

    name: str
    kind: type[Held]
    did: ChangeKind
    wanted: Held | None = None
    held: UUID | None = None

    @property
    def thing(self) -> str:
        """Return what it is called in a table."""
        return f"{self.kind.__name__.lower()} {self.name}"


def slug(name: str) -> str:
    """Return a name as Prefect takes it for a block.

    >>> slug("foo_1")
    'foo-1'
    """
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not found:
        raise InvalidInput(f"{name!r} has no letter or digit for the name of a block: rename it")
    return found


def block_name(file: str, end: WorkflowEndpoint) -> str:
    """Return the name of the block that an end of a file is stored under."""
    return f"{slug(file)}-{end.role.value}-{slug(end.name)}"


def wanted_blocks(found: Workflows) -> dict[str, Held]:
    """Return the blocks that a file needs, by their names."""
    owner = {OWNER: found.name}
    wanted: dict[str, Held] = {}
    origin: dict[str, str] = {}
    named: list[tuple[str, str, Held]] = []
    for end in found.ends():
        if end.passing:
            raise InvalidInput(
                f"{end.role.value} {end.name!r} of type noop is gone with its process: "
                "`entrepot workflows run` has it, a deployment does not"
            )
        if end.repository is not None:
            labels = {**end.repository.labels, **owner}
            held = end.repository.model_copy(update={"labels": labels})
            named.append((block_name(found.name, end), end.name, held))
    for one in found.workflows:
        if isinstance(one.webhook, Webhook):
            held_hook = one.webhook.model_copy(update={"labels": {**one.webhook.labels, **owner}})
            named.append((webhook_name(found.name, one), one.name, held_hook))
    for name, given, block in named:
        if name in wanted:
            raise InvalidInput(
                f"{origin[name]!r} and {given!r} would both be stored as {name!r}: rename one"
            )
        wanted[name], origin[name] = block, given
    return wanted


def webhook_name(file: str, workflow: Workflow) -> str:
    """Return the name of the block that the webhook of a workflow is stored under."""
    return f"{slug(file)}-webhook-{slug(workflow.name)}"


def block_change(client: SyncPrefectClient, file: str, name: str, wanted: Held) -> BlockChange:
    """Return what has to be done so that a block of this name is as wanted; it must be ours."""
    kind = type(wanted)
    try:
        held = client.read_block_document_by_name(name, kind.get_block_type_slug())
    except ObjectNotFound:
        return BlockChange(name, kind, ChangeKind.MADE, wanted)
    data: dict[str, Any] = held.data
    if (data.get("labels") or {}).get(OWNER) != file:
        raise InvalidInput(
            f"a {kind.__name__.lower()} {name!r} is stored already and is not of the workflow "
            f"file {file!r}: rename one of them, or name the file with `name:`"
        )
    try:
        same = _fields(kind.model_validate(data)) == _fields(wanted)
    except ValidationError:
        same = False
    return BlockChange(name, kind, ChangeKind.KEPT if same else ChangeKind.CHANGED, wanted, held.id)


def _fields(block: Held) -> dict[str, Any]:
    return {name: getattr(block, name) for name in type(block).model_fields}


def obsolete_blocks(
    client: SyncPrefectClient,
    file: str,
    wanted: Collection[str],
    gone: ChangeKind,
) -> Iterator[BlockChange]:
    """Return the blocks that an earlier apply of the file stored and that are wanted no more."""
    for kind in (Repository, Webhook):
        try:
            every = client.read_block_documents_by_type(kind.get_block_type_slug())
        except ObjectNotFound:
            continue
        for one in every:
            labels = one.data.get("labels") or {}
            if labels.get(OWNER) == file and one.name and one.name not in wanted:
                yield BlockChange(one.name, kind, gone, held=one.id)
