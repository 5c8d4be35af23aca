"""Mark: writes an empty file `<path>.done` for each file of a destination, for its consumers.

Under the strategy `marker`, consumers may take a marked file away: it still counts as present.
"""

from __future__ import annotations

from contextlib import ExitStack

from catalog.errors import (
    Cancelled,
    CatalogError,
    InvalidInput,
    NameNotAllowed,
    ResourceNotFound,
    StorageError,
)
from catalog.model.outcome import Status
from catalog.model.plan import Action, Strategy
from catalog.paths import is_below
from providers.base import Attributes, Storage
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint, MarkerArea
from transfer.batch.staging import Staging, Transfer
from transfer.workers.pool import WorkerPool

EMPTY = Attributes(content_type="text/plain")


def mark(staging: Staging) -> Staging:
    """Write the marker of every file that is stored now or lacks it; remove those of removed files.

    A file whose marker cannot be written counts as failed there, but is recorded as stored.
    """
    delivery = staging.delivery
    if delivery.options.strategy is not Strategy.MARKER:
        return staging
    wanting = [
        (transfer, number)
        for transfer in staging.transfers
        for number, action in zip(transfer.item.destinations, transfer.item.actions, strict=True)
        if _needs_marker(transfer, number, action)
    ]
    with ExitStack() as stack:
        opened = {
            number: stack.enter_context(_marker_area(end).open())
            for number, end in enumerate(delivery.destinations)
            if any(number == wanted for _, wanted in wanting)
        }
        tries: dict[tuple[int, str], int] = {}
        WorkerPool(
            wanting,
            lambda pair: _update_marker(staging, opened[pair[1]], *pair, tries),
            delivery.stop,
        ).run(delivery.options.threads)
    return staging


def check_markers(delivery: Delivery, path: str, number: int) -> None:
    """Raise `NameNotAllowed` for a path in the markers' folder, or an invalid marker name."""
    end = delivery.destinations[number]
    if end.markers is None:
        return
    folder = end.markers.folder
    if folder and is_below(folder, path):
        raise NameNotAllowed(
            path, end.address, f"the folder {folder!r} is reserved for its markers"
        )
    if delivery.options.strategy is Strategy.MARKER:
        end.storage.check_name(end.markers.marker_name(path))


def _needs_marker(transfer: Transfer, number: int, action: Action) -> bool:
    outcome = transfer.outcomes.get(number)
    if outcome is None:
        return action is Action.KEEP
    return outcome.status in (Status.STORED, Status.REMOVED)


def _marker_area(end: Endpoint[Storage]) -> MarkerArea:
    if end.markers is None:
        raise InvalidInput(f"{end.address!r} cannot have markers: they need the layout 'path'")
    return end.markers


def _update_marker(
    staging: Staging,
    markers: Storage,
    transfer: Transfer,
    number: int,
    tries: dict[tuple[int, str], int],
) -> float | None:
    delivery = staging.delivery
    end, path = delivery.destinations[number], transfer.item.path
    key = _marker_area(end).marker_name(path)
    try:
        with end.limiter.connection(delivery.stop):
            if transfer.removal:
                markers.remove(key)
            elif number in transfer.outcomes or _is_present(end.storage, path, markers, key):
                markers.put(key, b"", EMPTY)
    except Cancelled:
        raise
    except StorageError as error:
        again = tries[number, path] = tries.get((number, path), 0) + 1
        delay = end.retry.delay_s(again, error)
        if delay is None:
            staging.settle_unmarked(transfer, number, error)
        return delay
    except CatalogError as error:
        staging.settle_unmarked(transfer, number, error)
    return None


def _is_present(storage: Storage, path: str, markers: Storage, key: str) -> bool:
    """Say whether a kept file is still there; that a consumer took it is fine."""
    try:
        storage.stat(path)
    except ResourceNotFound as gone:
        try:
            markers.stat(key)
        except ResourceNotFound:
            raise gone from None  # it was removed after planning: the next run copies it
        return False
    return True
