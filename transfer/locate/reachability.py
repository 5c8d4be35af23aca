"""Checks that the bytes of a plan can be found, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.errors import StorageError
from catalog.model.plan import Action, PlanItem
from providers.base import Source
from providers.layouts.content_names import stored_path
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.locate.known_copies import known_copies
from transfer.workers.pool import WorkerPool


def find_unreachable(delivery: Delivery, items: Sequence[PlanItem]) -> list[str]:
    """Return the paths whose bytes are at none of their expected locations, sorted."""
    missing: list[str] = []
    tries: dict[str, int] = {}

    def look(item: PlanItem) -> float | None:
        for end, path in _candidates(delivery, item):
            try:
                if _is_present(delivery, end, path, item):
                    return None
            except StorageError as error:
                tries[item.path] = tries.get(item.path, 0) + 1
                delay = end.retry.delay_s(tries[item.path], error)
                if delay is not None:
                    return delay
        missing.append(item.path)
        return None

    wanted = [item for item in items if Action.REMOVE not in item.actions]
    WorkerPool(wanted, look, delivery.stop).run(delivery.options.threads)
    return sorted(missing)


def _candidates(delivery: Delivery, item: PlanItem) -> Iterator[tuple[Endpoint[Source], str]]:
    for end, place in known_copies(delivery, item):
        yield end, place.path
    source = delivery.source
    yield source, stored_path(source.storage, item.origin, None, item.etag)


def _is_present(delivery: Delivery, end: Endpoint[Source], path: str, item: PlanItem) -> bool:
    with end.limiter.connection(delivery.stop):
        found = end.storage.stat(path)
    return item.size is None or found.size is None or found.size == item.size
