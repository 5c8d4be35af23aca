"""Block types and work pools, which `entrepot setup` creates before it deploys flows."""

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
from cli.setup.report import ChangeKind, SetupStep

PROCESS = "process"


def set_up_blocks(client: SyncPrefectClient, *, dry: bool) -> Iterator[SetupStep]:
    """Register every block type of Entrepot."""
    for name in blocks.__all__:
        kind: type[Block] = getattr(blocks, name)
        before, known = _registered(client, kind)
        if not dry:
            kind.register_type_and_schema(_sync=True)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
        after = before if dry else _registered(client, kind)[0]
        change = ChangeKind.UNCHANGED if known and after == before else ChangeKind.CHANGED
        yield SetupStep(
            f"block type {kind.get_block_type_slug()}",
            ChangeKind.CREATED if before is None else change,
        )


def _registered(client: SyncPrefectClient, kind: type[Block]) -> tuple[dict[str, Any] | None, bool]:
    """Return the server's block type, if any, and whether the server has its current schema."""
    try:
        stored = client.read_block_type_by_slug(kind.get_block_type_slug())
    except ObjectNotFound:
        return None, False
    block_type = stored.model_dump(exclude={"created", "updated"})
    try:
        client.read_block_schema_by_checksum(
            kind._calculate_schema_checksum(),  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no other way to tell before registering
            kind.get_block_schema_version(),
        )
    except ObjectNotFound:
        return block_type, False
    return block_type, True


def set_up_pools(
    client: SyncPrefectClient,
    names: Iterable[str],
    kind: str | None,
    template: dict[str, Any] | None,
    *,
    dry: bool,
) -> Iterator[SetupStep]:
    """Create the work pools that are missing; an existing one only gets the `template`, if given.

    Raises:
        InvalidInput: a pool exists with another type than `kind`, or Prefect has no such type.
    """
    for name in names:
        try:
            stored = client.read_work_pool(name)
        except ObjectNotFound:
            pool_type = kind or PROCESS
            job_template = template or _default_template(pool_type)
            if not dry:
                pool = WorkPoolCreate(name=name, type=pool_type, base_job_template=job_template)
                client.create_work_pool(pool)
            yield SetupStep(f"work pool {name}", ChangeKind.CREATED, f"type {pool_type}")
            continue
        if kind not in {None, stored.type}:
            raise InvalidInput(
                f"the work pool {name!r} is of type {stored.type!r}, but --pool-type is "
                f"{kind!r}: name another pool with --pool"
            )
        if template in (None, stored.base_job_template):
            yield SetupStep(f"work pool {name}", ChangeKind.UNCHANGED, f"type {stored.type}")
            continue
        if not dry:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
        yield SetupStep(f"work pool {name}", ChangeKind.CHANGED, "base job template")


def _default_template(kind: str) -> dict[str, Any]:
    template = asyncio.run(get_default_base_job_template_for_infrastructure_type(kind))
    if template is None:
        raise InvalidInput(
            f"Prefect has no work pool type {kind!r}: `prefect work-pool create --help` "
            "lists the types; some need a package of their own, such as prefect-kubernetes"
        )
    return template
