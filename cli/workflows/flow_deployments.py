"""How `entrepot workflows apply` makes at Prefect's server what a workflow file says.

First every change is decided, from what the server holds; only then anything is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import ObjectNotFound
from pydantic_core import to_jsonable_python

from catalog.errors import InvalidInput
from cli.setup.steps import ChangeKind, SetupStep
from cli.workflows.stored_blocks import (
    OWNER,
    BlockChange,
    block_change,
    block_name,
    obsolete_blocks,
    wanted_blocks,
    webhook_name,
)
from flows.workflows.file import Workflow, Workflows

PAGE = 200
SYNC = "sync/sync"
LIMIT = 1
BANNED = "/%&<>"
ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
COPIED = (
    "entrypoint", "pull_steps", "work_pool_name", "work_queue_name", "job_variables",
    "enforce_parameter_schema", "parameter_openapi_schema",
)  # fmt: skip
"""What a workflow's deployment has from that of `sync`, which `entrepot setup` made."""


@dataclass(frozen=True, slots=True)
class DeploymentChange:
    """A deployment to make, by the fields that `create_deployment` takes; none: to remove."""

    name: str
    did: ChangeKind
    fields: Mapping[str, Any] | None = None
    held: UUID | None = None

    @property
    def thing(self) -> str:
        """Return what it is called in a table."""
        return f"deployment {self.name}"


Change = BlockChange | DeploymentChange


def changes(client: SyncPrefectClient, found: Workflows, *, prune: bool) -> list[Change]:
    """Decide what is to be done so that the server holds what a file says.

    Raises:
        InvalidInput: something there bears a name of ours and is not of this file.
    """
    template = _template(client)
    blocks = wanted_blocks(found)
    done: list[Change] = [
        block_change(client, found.name, name, one) for name, one in blocks.items()
    ]
    ours = _deployments(client, found.name)
    done += [_deployment(client, template, found, one, ours) for one in found.workflows]
    gone = ChangeKind.REMOVED if prune else ChangeKind.LEFT_OUT
    names = {one.name for one in found.workflows} | {one.name for one in found.skipped}
    done += [
        DeploymentChange(one.name, gone, held=one.id)
        for one in ours.values()
        if one.name not in names
    ]
    if not found.skipped:  # what a skipped workflow uses is not known
        done += obsolete_blocks(client, found.name, blocks.keys(), gone)
    return done


def apply_changes(
    client: SyncPrefectClient, wanted: Sequence[Change], *, dry: bool
) -> Iterator[SetupStep]:
    """Do what was decided, unless `dry`, and tell it."""
    for one in wanted:
        if not dry:
            _do(client, one)
        left = (
            "not in the file any more: --prune removes it" if one.did is ChangeKind.LEFT_OUT else ""
        )
        yield SetupStep(one.thing, one.did, left)


def _do(client: SyncPrefectClient, change: Change) -> None:
    match change:
        case BlockChange(did=ChangeKind.MADE | ChangeKind.CHANGED, wanted=Block() as block):
            block.save(change.name, overwrite=True)
        case DeploymentChange(did=ChangeKind.MADE | ChangeKind.CHANGED, fields=dict() as fields):
            client.create_deployment(**fields)
        case BlockChange(did=ChangeKind.REMOVED, held=UUID() as held):
            client.delete_block_document(held)
        case DeploymentChange(did=ChangeKind.REMOVED, held=UUID() as held):
            client.delete_deployment(held)
        case _:
            return


def _template(client: SyncPrefectClient) -> DeploymentResponse:
    try:
        return client.read_deployment_by_name(SYNC)
    except ObjectNotFound as error:
        raise InvalidInput(
            f"the deployment {SYNC!r}, whose work pool and code the workflows use, is not there: "
            "run `entrepot setup` first"
        ) from error


def _deployments(client: SyncPrefectClient, file: str) -> dict[str, DeploymentResponse]:
    """Return every deployment that was made of a file, by its name."""
    tags = DeploymentFilterTags(all_=[_tag(file)])
    found: dict[str, DeploymentResponse] = {}
    while page := client.read_deployments(
        deployment_filter=DeploymentFilter(tags=tags), limit=PAGE, offset=len(found)
    ):
        found.update({one.name: one for one in page})
    return found


def _tag(file: str) -> str:
    return f"{OWNER}:{file}"


def _deployment(
    client: SyncPrefectClient,
    template: DeploymentResponse,
    found: Workflows,
    workflow: Workflow,
    ours: Mapping[str, DeploymentResponse],
) -> DeploymentChange:
    held = ours.get(workflow.name)
    if held is None:
        _free(client, found.name, workflow.name)
    active = held is None or not held.schedules or held.schedules[0].active
    wanted = _wanted_deployment(template, found.name, workflow)
    schedules = wanted["schedules"]
    fields = {
        **wanted,
        "schedules": [
            DeploymentScheduleCreate(
                schedule=IntervalSchedule(interval=every, anchor_date=ANCHOR), active=active
            )
            for every in schedules
        ],
        "concurrency_options": ConcurrencyOptions(
            collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        "flow_id": template.flow_id,
    }
    if held is None:
        return DeploymentChange(workflow.name, ChangeKind.MADE, fields)
    did = ChangeKind.KEPT if _held_deployment(held) == wanted else ChangeKind.CHANGED
    return DeploymentChange(workflow.name, did, fields, held.id)


def _free(client: SyncPrefectClient, file: str, name: str) -> None:
    """Refuse a name that Prefect does not take, or that somebody else's deployment bears."""
    if banned := [one for one in BANNED if one in name]:
        raise InvalidInput(
            f"workflow {name!r}: a deployment's name cannot hold {' '.join(banned)}: rename it"
        )
    try:
        client.read_deployment_by_name(f"sync/{name}")
    except ObjectNotFound:
        return
    raise InvalidInput(
        f"a deployment {f'sync/{name}'!r} is there already and is not of the workflow file "
        f"{file!r}: rename the workflow"
    )


def _wanted_deployment(
    template: DeploymentResponse, file: str, workflow: Workflow
) -> dict[str, Any]:
    """Return what can be compared with what the server holds."""
    ends = (workflow.source, *workflow.destinations)
    source, *destinations = (
        one.reference if one.repository is None else block_name(file, one) for one in ends
    )
    parameters: dict[str, Any] = {"source": source, "destinations": destinations}
    parameters |= to_jsonable_python(dict(workflow.parameters))
    if workflow.webhook is not None:
        hook = workflow.webhook
        parameters["webhook"] = hook if isinstance(hook, str) else webhook_name(file, workflow)
    every = timedelta(seconds=workflow.interval_s)
    return {
        "name": workflow.name,
        "description": f"Workflow {workflow.name} of {file}: bring "
        f"{', '.join(one.name for one in workflow.destinations)} up to date with "
        f"{workflow.source.name}.",
        "tags": sorted(["entrepot", _tag(file)]),
        "parameters": parameters,
        "schedules": [every] if every else [],
        "concurrency_limit": LIMIT,
        **{name: getattr(template, name) for name in COPIED},
    }


def _held_deployment(held: DeploymentResponse) -> dict[str, Any]:
    limit = held.global_concurrency_limit
    return {
        "name": held.name,
        "description": held.description,
        "tags": sorted(held.tags),
        "parameters": held.parameters,
        "schedules": [getattr(one.schedule, "interval", None) for one in held.schedules],
        "concurrency_limit": limit.limit if limit else None,
        **{name: getattr(held, name) for name in COPIED},
    }
