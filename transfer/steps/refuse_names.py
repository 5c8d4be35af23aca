"""Refuses names that a destination cannot store: only that item fails there."""

from __future__ import annotations

from catalog.errors import CatalogError, NameNotAllowed
from catalog.model.plan import PlanItem
from catalog.paths import path_conflict
from providers.base import Source, Storage
from providers.shared.raw_names import has_raw_bytes
from transfer.batch.staging import Staging, Transfer
from transfer.steps.mark import check_markers


def refuse_names(staging: Staging, transfer: Transfer) -> None:
    """Settle a transfer as failed at each destination that cannot store its name."""
    item = transfer.item
    for number, _ in transfer.open_targets():
        storage = staging.delivery.destinations[number].storage
        try:
            storage.check_name(item.path)
            _check_bytes(staging.delivery.source.storage, storage, item)
            if item.conflict is not None and not transfer.removal and storage.capabilities.tree:
                raise path_conflict(item.path, item.conflict)
            check_markers(staging.delivery, item.path, number)
        except CatalogError as error:
            staging.settle_failed(transfer, number, error)


def _check_bytes(source: Source, storage: Storage, item: PlanItem) -> None:
    """Refuse a name that is not UTF-8 if the destination or the source does not support it."""
    if not has_raw_bytes(item.path) or item.origin == "":
        return
    if not storage.capabilities.raw_names:
        why = "it is not valid UTF-8; only local folders, SFTP and FTP support such names"
        raise NameNotAllowed(item.path, "the destination", why)
    if not source.capabilities.raw_names:
        why = "it would be read back as a name that is not UTF-8"
        raise NameNotAllowed(item.path, "the destination", why)
