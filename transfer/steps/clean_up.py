"""Clean up: release the staging, and on request remove delivered files from the source."""

from __future__ import annotations

from dataclasses import replace

from catalog.errors import ResourceChanged, ResourceNotFound, StorageError
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import OnError
from transfer.batch.delivery import CleanUp
from transfer.batch.staging import Piece, Staging
from transfer.workers.pool import WorkerPool


def cleanup(staging: Staging) -> list[Outcome]:
    """Release the staging, clean the source if requested, and return all outcomes."""
    staging.release()
    delivery = staging.delivery
    if delivery.options.clean_up is CleanUp.REMOVE:
        pieces = [piece for piece in staging.pieces if _is_delivered(piece)]
        WorkerPool(pieces, lambda piece: _remove_from_source(staging, piece), delivery.stop).run(
            delivery.options.threads
        )
    return staging.outcomes()


def _is_delivered(piece: Piece) -> bool:
    """Say whether every destination has the piece, stored now or kept from before."""
    return (
        not piece.removal
        and piece.error is None
        and not piece.open_targets()
        and all(outcome.status is Status.STORED for outcome in piece.outcomes.values())
    )


def _remove_from_source(staging: Staging, piece: Piece) -> float | None:
    """Remove the source's copy, but only the delivered one; a missing file is fine."""
    source = staging.delivery.source
    if staging.delivery.options.on_error is OnError.FAIL and staging.delivery.progress.failed:
        return None
    delivered = piece.resource.etag if piece.resource is not None else piece.item.etag
    try:
        with source.gate.connection(staging.delivery.stop):
            now = source.storage.stat(piece.item.origin)
            if delivered is not None and now.etag is not None and now.etag != delivered:
                raise ResourceChanged(
                    f"{piece.item.origin!r} changed after it was read, so it was not removed",
                    path=piece.item.origin,
                )
            source.storage.remove(piece.item.origin)
    except ResourceNotFound:
        pass
    except StorageError as error:
        piece.failed_tries[-1] = piece.failed_tries.get(-1, 0) + 1
        delay = source.retry.delay_s(piece.failed_tries[-1], error)
        if delay is None:
            _note_result(piece, error)
            if not isinstance(error, ResourceChanged):  # the next run copies and removes it
                staging.uncleaned[piece.item.origin] = str(error)
        return delay
    _note_result(piece, None)
    return None


def _note_result(piece: Piece, error: StorageError | None) -> None:
    """Record the result of the removal in every outcome of the piece."""
    for number, outcome in piece.outcomes.items():
        if error is None:
            piece.outcomes[number] = replace(outcome, cleaned=True)
        else:
            piece.outcomes[number] = replace(
                outcome,
                error="clean-up",
                message=f"stored, but not removed from the source: {error}",
            )
