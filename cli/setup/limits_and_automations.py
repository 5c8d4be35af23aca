"""How `entrepot setup` makes limits and automations at Prefect's server what their files say."""

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
from cli.setup.files import NOT_OURS, LimitsFile, PoolLimit, SlotLimit, WantedAutomation
from cli.setup.steps import ChangeKind, SetupStep


def set_up_limits(
    client: SyncPrefectClient, file: LimitsFile, pools: Collection[str], *, dry: bool
) -> Iterator[SetupStep]:
    """Set what work pools may run at once, and make or change global limits.

    `pools` are there, or under `dry` would be.
    """
    for pool in file.pools:
        yield _pool(client, pool, pools, dry=dry)
    for limit in file.limits:
        yield _limit(client, limit, dry=dry)


def _pool(
    client: SyncPrefectClient, wanted: PoolLimit, pools: Collection[str], *, dry: bool
) -> SetupStep:
    thing = f"runs at once of {wanted.name}"
    told = "no limit" if wanted.runs is None else str(wanted.runs)
    try:
        found = client.read_work_pool(wanted.name)
    except ObjectNotFound:
        if wanted.name in pools:
            return SetupStep(thing, ChangeKind.CHANGED, told)
        return SetupStep(thing, ChangeKind.LEFT_OUT, "there is no such work pool")
    if found.concurrency_limit == wanted.runs:
        return SetupStep(thing, ChangeKind.KEPT, told)
    if not dry:
        client.update_work_pool(wanted.name, WorkPoolUpdate(concurrency_limit=wanted.runs))
    return SetupStep(thing, ChangeKind.CHANGED, told)


def _limit(client: SyncPrefectClient, wanted: SlotLimit, *, dry: bool) -> SetupStep:
    thing, told = f"limit {wanted.name}", f"{wanted.slots} slots"
    fields: dict[str, Any] = {
        "limit": wanted.slots,
        "slot_decay_per_second": wanted.per_second,
        "active": wanted.active,
    }
    try:
        found = client.read_global_concurrency_limit_by_name(wanted.name)
    except ObjectNotFound:
        if not dry:
            made = GlobalConcurrencyLimitCreate(name=wanted.name, **fields)
            client.create_global_concurrency_limit(made)
        return SetupStep(thing, ChangeKind.MADE, told)
    if found.model_dump(include=set(fields)) == fields:
        return SetupStep(thing, ChangeKind.KEPT, told)
    if not dry:
        client.update_global_concurrency_limit(wanted.name, GlobalConcurrencyLimitUpdate(**fields))
    return SetupStep(thing, ChangeKind.CHANGED, told)


def set_up_automations(
    client: SyncPrefectClient, wanted: Sequence[WantedAutomation], *, dry: bool
) -> Iterator[SetupStep]:
    """Make or change every automation, by its name, once all of them can be.

    Raises:
        InvalidInput: an enabled one needs a block that is not stored, or two bear one name.
    """
    ready = [(one, _with_blocks(client, one), _stored(client, one)) for one in wanted]
    for one, core, found in ready:
        yield _automation(client, one, core, found, dry=dry)


def _automation(
    client: SyncPrefectClient,
    wanted: WantedAutomation,
    core: AutomationCore | None,
    found: Automation | None,
    *,
    dry: bool,
) -> SetupStep:
    thing = f"automation {wanted.core.name}"
    told = "" if wanted.core.enabled else "not enabled"
    if core is None:
        blocks = ", ".join(sorted(set(wanted.blocks.values())))
        return SetupStep(thing, ChangeKind.LEFT_OUT, f"{told}, and needs the block {blocks}")
    if found is None:
        if not dry:
            client.create_automation(core)
        return SetupStep(thing, ChangeKind.MADE, told)
    ours = set(AutomationCore.model_fields) - NOT_OURS
    if found.model_dump(include=ours) == core.model_dump(include=ours):
        return SetupStep(thing, ChangeKind.KEPT, told)
    if not dry:
        client.update_automation(found.id, core)
    return SetupStep(thing, ChangeKind.CHANGED, told)


def _with_blocks(client: SyncPrefectClient, wanted: WantedAutomation) -> AutomationCore | None:
    """Return the automation with the ids of its blocks; None where one is not stored."""
    filled = wanted.core.model_dump(exclude=NOT_OURS)
    for (field, place), block in wanted.blocks.items():
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
        filled[field][place]["block_document_id"] = stored.id
    return AutomationCore.model_validate(filled)


def _stored(client: SyncPrefectClient, wanted: WantedAutomation) -> Automation | None:
    found = client.read_automations_by_name(wanted.core.name)
    if len(found) > 1:
        raise InvalidInput(
            f"Prefect holds {len(found)} automations named {wanted.core.name!r}: "
            "delete all but one, or all"
        )
    return found[0] if found else None
