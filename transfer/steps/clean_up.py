"""Clean up: release the staging, and on request remove delivered files from the source."""

from __future__ import annotations

from dataclasses import replace

from catalog.errors import ResourceChanged, ResourceNotFound, StorageError
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import OnError
from transfer.batch.delivery import CleanUp
from transfer.batch.staging import Staging, Transfer
from transfer.workers.pool import WorkerPool


def cleanup(staging: Staging) -> list[Outcome]:
    """Release the staging, clean the source if requested, and return all outcomes."""
    staging.release()
    delivery = staging.delivery
    if delivery.options.clean_up is CleanUp.REMOVE:
        transfers = [transfer for transfer in staging.transfers if _is_delivered(transfer)]
        WorkerPool(
            transfers, lambda transfer: _remove_from_source(staging, transfer), delivery.stop
        ).run(delivery.options.threads)
    return staging.outcomes()


def _is_delivered(transfer: Transfer) -> bool:
    """Say whether every destination has the transfer, stored now or kept from before."""
    return (
        not transfer.removal
        and transfer.error is None
        and not transfer.open_targets()
        and all(outcome.status is Status.STORED for outcome in transfer.outcomes.values())
    )


def _remove_from_source(staging: Staging, transfer: Transfer) -> float | None:
    """Remove the source's copy, but only the delivered one; a missing file is fine."""
    source = staging.delivery.source
    if staging.delivery.options.on_error is OnError.FAIL and staging.delivery.progress.failed:
        return None
    delivered = transfer.resource.etag if transfer.resource is not None else transfer.item.etag
    try:
        with source.limiter.connection(staging.delivery.stop):
            now = source.storage.stat(transfer.item.origin)
            if delivered is not None and now.etag is not None and now.etag != delivered:
                raise ResourceChanged(
                    f"{transfer.item.origin!r} changed after it was read, so it was not removed",
                    path=transfer.item.origin,
                )
            source.storage.remove(transfer.item.origin)
    except ResourceNotFound:
        pass
    except StorageError as error:
        transfer.failed_tries[-1] = transfer.failed_tries.get(-1, 0) + 1
        delay = source.retry.delay_s(transfer.failed_tries[-1], error)
        if delay is None:
            _note_result(transfer, error)
            if not isinstance(error, ResourceChanged):  # the next run copies and removes it
                staging.uncleaned[transfer.item.origin] = str(error)
        return delay
    _note_result(transfer, None)
    return None


def _note_result(transfer: Transfer, error: StorageError | None) -> None:
    """Record the result of the removal in every outcome of the transfer."""
    for number, outcome in transfer.outcomes.items():
        if error is None:
            transfer.outcomes[number] = replace(outcome, cleaned=True)
        else:
            transfer.outcomes[number] = replace(
                outcome,
                error="clean-up",
                message=f"stored, but not removed from the source: {error}",
            )
