"""How `entrepot workflows apply` creates blocks and deployments from a workflow file.

All changes are planned, from what the server has, before anything is changed.
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
from cli.setup.report import ChangeKind, SetupStep
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
TEMPLATE = "sync/sync"
CONCURRENCY = 1
FORBIDDEN = "/%&<>"  # in a deployment's name
ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
COPIED_FIELDS = (
    "entrypoint", "pull_steps", "work_pool_name", "work_queue_name", "job_variables",
    "enforce_parameter_schema", "parameter_openapi_schema",
)  # fmt: skip
"""What a workflow's deployment copies from that of `sync`, which `entrepot setup` created."""


@dataclass(frozen=True, slots=True)
class DeploymentChange:
    """A deployment to create, with fields for `create_deployment`; without fields: to remove."""

    name: str
    kind: ChangeKind
    fields: Mapping[str, Any] | None = None
    stored_id: UUID | None = None

    @property
    def label(self) -> str:
        """Return its name in a report."""
        return f"deployment {self.name}"


Change = BlockChange | DeploymentChange


def plan_changes(client: SyncPrefectClient, workflows: Workflows, *, prune: bool) -> list[Change]:
    """Return what has to change so that the server has what a file says.

    Raises:
        InvalidInput: the server has an object with a name that the file needs, and it does not
            belong to this file.
    """
    template = _read_template(client)
    blocks = wanted_blocks(workflows)
    changes: list[Change] = [
        block_change(client, workflows.name, name, block) for name, block in blocks.items()
    ]
    stored = _stored_deployments(client, workflows.name)
    changes += [
        _deployment_change(client, template, workflows, workflow, stored)
        for workflow in workflows.workflows
    ]
    removal = ChangeKind.REMOVED if prune else ChangeKind.SKIPPED
    names = {workflow.name for workflow in workflows.workflows}
    names |= {skipped.name for skipped in workflows.skipped}
    changes += [
        DeploymentChange(deployment.name, removal, stored_id=deployment.id)
        for deployment in stored.values()
        if deployment.name not in names
    ]
    if not workflows.skipped:  # the blocks that a skipped workflow uses are not known
        changes += obsolete_blocks(client, workflows.name, blocks.keys(), removal)
    return changes


def apply_changes(
    client: SyncPrefectClient, changes: Sequence[Change], *, dry: bool
) -> Iterator[SetupStep]:
    """Make the changes, unless `dry`, and report each."""
    for change in changes:
        if not dry:
            _apply_change(client, change)
        skipped = change.kind is ChangeKind.SKIPPED
        note = "no longer in the file: --prune removes it" if skipped else ""
        yield SetupStep(change.label, change.kind, note)


def _apply_change(client: SyncPrefectClient, change: Change) -> None:
    match change:
        case BlockChange(kind=ChangeKind.CREATED | ChangeKind.CHANGED, wanted=Block() as block):
            block.save(change.name, overwrite=True)
        case DeploymentChange(
            kind=ChangeKind.CREATED | ChangeKind.CHANGED, fields=dict() as fields
        ):
            client.create_deployment(**fields)
        case BlockChange(kind=ChangeKind.REMOVED, stored_id=UUID() as stored_id):
            client.delete_block_document(stored_id)
        case DeploymentChange(kind=ChangeKind.REMOVED, stored_id=UUID() as stored_id):
            client.delete_deployment(stored_id)
        case _:
            return


def _read_template(client: SyncPrefectClient) -> DeploymentResponse:
    try:
        return client.read_deployment_by_name(TEMPLATE)
    except ObjectNotFound as error:
        raise InvalidInput(
            f"there is no deployment {TEMPLATE!r}, whose work pool and code the workflows use: "
            "run `entrepot setup` first"
        ) from error


def _stored_deployments(client: SyncPrefectClient, file: str) -> dict[str, DeploymentResponse]:
    """Return every deployment that was created from a file, by its name."""
    tags = DeploymentFilterTags(all_=[_tag(file)])
    stored: dict[str, DeploymentResponse] = {}
    while page := client.read_deployments(
        deployment_filter=DeploymentFilter(tags=tags), limit=PAGE, offset=len(stored)
    ):
        stored.update({deployment.name: deployment for deployment in page})
    return stored


def _tag(file: str) -> str:
    return f"{OWNER}:{file}"


def _deployment_change(
    client: SyncPrefectClient,
    template: DeploymentResponse,
    workflows: Workflows,
    workflow: Workflow,
    stored_by_name: Mapping[str, DeploymentResponse],
) -> DeploymentChange:
    stored = stored_by_name.get(workflow.name)
    if stored is None:
        _check_name(client, workflows.name, workflow.name)
    active = stored is None or not stored.schedules or stored.schedules[0].active
    wanted = _wanted_fields(template, workflows.name, workflow)
    schedules = wanted["schedules"]
    fields = {
        **wanted,
        "schedules": [
            DeploymentScheduleCreate(
                schedule=IntervalSchedule(interval=interval, anchor_date=ANCHOR), active=active
            )
            for interval in schedules
        ],
        "concurrency_options": ConcurrencyOptions(
            collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        "flow_id": template.flow_id,
    }
    if stored is None:
        return DeploymentChange(workflow.name, ChangeKind.CREATED, fields)
    kind = ChangeKind.UNCHANGED if _stored_fields(stored) == wanted else ChangeKind.CHANGED
    return DeploymentChange(workflow.name, kind, fields, stored.id)


def _check_name(client: SyncPrefectClient, file: str, name: str) -> None:
    """Refuse a name that Prefect does not allow, or that another deployment has."""
    if forbidden := [character for character in FORBIDDEN if character in name]:
        raise InvalidInput(
            f"workflow {name!r}: a deployment's name cannot contain {' '.join(forbidden)}: "
            "rename it"
        )
    try:
        client.read_deployment_by_name(f"sync/{name}")
    except ObjectNotFound:
        return
    raise InvalidInput(
        f"a deployment {f'sync/{name}'!r} exists and does not belong to the workflow file "
        f"{file!r}: rename the workflow"
    )


def _wanted_fields(template: DeploymentResponse, file: str, workflow: Workflow) -> dict[str, Any]:
    """Return the fields of a workflow's deployment, to compare with `_stored_fields`."""
    endpoints = (workflow.source, *workflow.destinations)
    source, *destinations = (
        endpoint.reference if endpoint.repository is None else block_name(file, endpoint)
        for endpoint in endpoints
    )
    parameters: dict[str, Any] = {"source": source, "destinations": destinations}
    parameters |= to_jsonable_python(dict(workflow.parameters))
    if workflow.webhook is not None:
        hook = workflow.webhook
        parameters["webhook"] = hook if isinstance(hook, str) else webhook_name(file, workflow)
    interval = timedelta(seconds=workflow.interval_s)
    return {
        "name": workflow.name,
        "description": f"Workflow {workflow.name} of {file}: bring "
        f"{', '.join(destination.name for destination in workflow.destinations)} up to date with "
        f"{workflow.source.name}.",
        "tags": sorted(["entrepot", _tag(file)]),
        "parameters": parameters,
        "schedules": [interval] if interval else [],
        "concurrency_limit": CONCURRENCY,
        **{name: getattr(template, name) for name in COPIED_FIELDS},
    }


def _stored_fields(stored: DeploymentResponse) -> dict[str, Any]:
    limit = stored.global_concurrency_limit
    return {
        "name": stored.name,
        "description": stored.description,
        "tags": sorted(stored.tags),
        "parameters": stored.parameters,
        "schedules": [getattr(entry.schedule, "interval", None) for entry in stored.schedules],
        "concurrency_limit": limit.limit if limit else None,
        **{name: getattr(stored, name) for name in COPIED_FIELDS},
    }
