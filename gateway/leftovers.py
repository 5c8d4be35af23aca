"""What killed gateways left in a tenant's storages: drafts, uploads that nobody goes on with."""

from __future__ import annotations

import time

from catalog.errors import ResourceNotFound
from catalog.paths import RESERVED
from gateway.resource_store import ResourceStore
from gateway.tenants import Tenant
from gateway.uploads import chunk_store
from providers.cache import STORAGES
from providers.unfinished import Uploader

DAY_S = 86_400.0
DRAFTS = f"{RESERVED}/tmp"  # noqa: S108 - below the root of a storage, where providers draft


def remove_leftovers(tenant: Tenant, older_than_s: float = DAY_S) -> int:
    """Remove drafts so old that their writers are dead, and uploads in chunks after a week.

    Ask for it once an hour or so: it lists what is under way.
    """
    return remove_drafts(tenant.store(), older_than_s) + chunk_store(tenant).sweep()


def remove_drafts(store: ResourceStore, older_than_s: float = DAY_S) -> int:
    """Remove what began to be written so long ago and never appeared; return how much it was.

    Others may write to the same storage, so that only age tells the dead from the living.
    """
    before_us = (time.time() - older_than_s) * 1e6
    repository = store.repository
    count = 0
    below = repository.settings.below(DRAFTS)
    with STORAGES.opened(below, repository.open_options()) as storage:
        try:
            every = list(storage.enumerate())
        except ResourceNotFound:
            every = []
        for one in every:
            if one.modified_us is not None and one.modified_us < before_us:
                with store.gate.connection(store.stop):
                    storage.remove(one.path)
                count += 1
    if isinstance(store.storage, Uploader):
        uploads = store.storage.uploads()
        for unfinished in list(uploads.unfinished()):
            if unfinished.began_us < before_us:
                uploads.give_up(unfinished)
                count += 1
    return count
