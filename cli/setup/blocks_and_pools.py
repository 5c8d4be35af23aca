"""What `entrepot setup` makes at Prefect's server before flows are deployed: types and pools."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

import blocks
from catalog.errors import InvalidInput
from cli.setup.steps import ChangeKind, SetupStep

PROCESS = "process"


def set_up_blocks(client: SyncPrefectClient, *, dry: bool) -> Iterator[SetupStep]:
    """Register every block type of ours."""
    for name in blocks.__all__:
        kind: type[Block] = getattr(blocks, name)
        before, known = _registered(client, kind)
        if not dry:
            kind.register_type_and_schema(_sync=True)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
        after = before if dry else _registered(client, kind)[0]
        did = ChangeKind.KEPT if known and after == before else ChangeKind.CHANGED
        yield SetupStep(
            f"block type {kind.get_block_type_slug()}", ChangeKind.MADE if before is None else did
        )


def _registered(client: SyncPrefectClient, kind: type[Block]) -> tuple[dict[str, Any] | None, bool]:
    """Return what the server knows of a type, and whether it knows its present fields."""
    try:
        found = client.read_block_type_by_slug(kind.get_block_type_slug())
    except ObjectNotFound:
        return None, False
    told = found.model_dump(exclude={"created", "updated"})
    try:
        client.read_block_schema_by_checksum(
            kind._calculate_schema_checksum(),  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no other way to tell before registering
            kind.get_block_schema_version(),
        )
    except ObjectNotFound:
        return told, False
    return told, True


def set_up_pools(
    client: SyncPrefectClient,
    names: Iterable[str],
    kind: str | None,
    template: dict[str, Any] | None,
    *,
    dry: bool,
) -> Iterator[SetupStep]:
    """Make the work pools that are missing; one that exists only gets a `template` that is given.

    Raises:
        InvalidInput: one exists with another type than `kind`, or nobody knows that type.
    """
    for name in names:
        try:
            found = client.read_work_pool(name)
        except ObjectNotFound:
            wanted = kind or PROCESS
            jobs = template or _template(wanted)
            if not dry:
                made = WorkPoolCreate(name=name, type=wanted, base_job_template=jobs)
                client.create_work_pool(made)
            yield SetupStep(f"work pool {name}", ChangeKind.MADE, f"type {wanted}")
            continue
        if kind not in {None, found.type}:
            raise InvalidInput(
                f"the work pool {name!r} is of type {found.type!r}, and --pool-type says "
                f"{kind!r}: name another pool with --pool"
            )
        if template in (None, found.base_job_template):
            yield SetupStep(f"work pool {name}", ChangeKind.KEPT, f"type {found.type}")
            continue
        if not dry:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
        yield SetupStep(f"work pool {name}", ChangeKind.CHANGED, "its base job template")


def _template(kind: str) -> dict[str, Any]:
    found = asyncio.run(get_default_base_job_template_for_infrastructure_type(kind))
    if found is None:
        raise InvalidInput(
            f"Prefect knows no work pool type {kind!r}: `prefect work-pool create --help` "
            "tells the types, and some need a package of their own (prefect-kubernetes)"
        )
    return found
