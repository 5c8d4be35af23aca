"""How `entrepot setup` sets limits and automations at Prefect's server as their files say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolUpdate,
)
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound

from catalog.errors import InvalidInput
from cli.setup.config_files import (
    READ_ONLY_FIELDS,
    LimitsFile,
    PoolLimit,
    SlotLimit,
    WantedAutomation,
)
from cli.setup.report import ChangeKind, SetupStep


def set_up_limits(
    client: SyncPrefectClient, file: LimitsFile, pools: Collection[str], *, dry: bool
) -> Iterator[SetupStep]:
    """Set how many runs work pools may run at once, and create or change global limits.

    `pools` are the work pools that exist, or would exist without `dry`.
    """
    for pool in file.pools:
        yield _set_pool_limit(client, pool, pools, dry=dry)
    for limit in file.limits:
        yield _set_limit(client, limit, dry=dry)


def _set_pool_limit(
    client: SyncPrefectClient, wanted: PoolLimit, pools: Collection[str], *, dry: bool
) -> SetupStep:
    name = f"concurrent runs of {wanted.name}"
    note = "no limit" if wanted.runs is None else str(wanted.runs)
    try:
        stored = client.read_work_pool(wanted.name)
    except ObjectNotFound:
        if wanted.name in pools:
            return SetupStep(name, ChangeKind.CHANGED, note)
        return SetupStep(name, ChangeKind.SKIPPED, "there is no such work pool")
    if stored.concurrency_limit == wanted.runs:
        return SetupStep(name, ChangeKind.UNCHANGED, note)
    if not dry:
        client.update_work_pool(wanted.name, WorkPoolUpdate(concurrency_limit=wanted.runs))
    return SetupStep(name, ChangeKind.CHANGED, note)


def _set_limit(client: SyncPrefectClient, wanted: SlotLimit, *, dry: bool) -> SetupStep:
    name, note = f"limit {wanted.name}", f"{wanted.slots} slots"
    fields: dict[str, Any] = {
        "limit": wanted.slots,
        "slot_decay_per_second": wanted.per_second,
        "active": wanted.active,
    }
    try:
        stored = client.read_global_concurrency_limit_by_name(wanted.name)
    except ObjectNotFound:
        if not dry:
            limit = GlobalConcurrencyLimitCreate(name=wanted.name, **fields)
            client.create_global_concurrency_limit(limit)
        return SetupStep(name, ChangeKind.CREATED, note)
    if stored.model_dump(include=set(fields)) == fields:
        return SetupStep(name, ChangeKind.UNCHANGED, note)
    if not dry:
        client.update_global_concurrency_limit(wanted.name, GlobalConcurrencyLimitUpdate(**fields))
    return SetupStep(name, ChangeKind.CHANGED, note)


def set_up_automations(
    client: SyncPrefectClient, wanted: Sequence[WantedAutomation], *, dry: bool
) -> Iterator[SetupStep]:
    """Create or change every automation by its name, after checking that all can be.

    Raises:
        InvalidInput: an enabled one needs a block that is not stored, or two have the same name.
    """
    checked = [
        (automation, _with_blocks(client, automation), _stored_automation(client, automation))
        for automation in wanted
    ]
    for automation, core, stored in checked:
        yield _set_automation(client, automation, core, stored, dry=dry)


def _set_automation(
    client: SyncPrefectClient,
    wanted: WantedAutomation,
    core: AutomationCore | None,
    stored: Automation | None,
    *,
    dry: bool,
) -> SetupStep:
    name = f"automation {wanted.core.name}"
    note = "" if wanted.core.enabled else "not enabled"
    if core is None:
        blocks = ", ".join(sorted(set(wanted.blocks.values())))
        return SetupStep(name, ChangeKind.SKIPPED, f"{note}, and needs the block {blocks}")
    if stored is None:
        if not dry:
            client.create_automation(core)
        return SetupStep(name, ChangeKind.CREATED, note)
    fields = set(AutomationCore.model_fields) - READ_ONLY_FIELDS
    if stored.model_dump(include=fields) == core.model_dump(include=fields):
        return SetupStep(name, ChangeKind.UNCHANGED, note)
    if not dry:
        client.update_automation(stored.id, core)
    return SetupStep(name, ChangeKind.CHANGED, note)


def _with_blocks(client: SyncPrefectClient, wanted: WantedAutomation) -> AutomationCore | None:
    """Return the automation with the ids of its blocks; None if a block is not stored."""
    fields = wanted.core.model_dump(exclude=READ_ONLY_FIELDS)
    for (field, index), block in wanted.blocks.items():
        kind, _, name = block.partition("/")
        try:
            stored = client.read_block_document_by_name(name, kind, include_secrets=False)
        except ObjectNotFound as error:
            if not wanted.core.enabled:
                return None
            raise InvalidInput(
                f"the automation {wanted.core.name!r} is enabled and needs the block {block}, "
                "which is not stored: store it in Prefect's UI first"
            ) from error
        fields[field][index]["block_document_id"] = stored.id
    return AutomationCore.model_validate(fields)


def _stored_automation(client: SyncPrefectClient, wanted: WantedAutomation) -> Automation | None:
    stored = client.read_automations_by_name(wanted.core.name)
    if len(stored) > 1:
        raise InvalidInput(
            f"Prefect has {len(stored)} automations named {wanted.core.name!r}: "
            "delete all but one, or all"
        )
    return stored[0] if stored else None
