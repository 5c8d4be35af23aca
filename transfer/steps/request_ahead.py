"""Pipelines requests: asks for the next small files before the first reply is read."""

from __future__ import annotations

from catalog.errors import StorageError
from catalog.model.plan import OnError
from providers.base import Fetched
from providers.interfaces.early_request import SupportsEarlyRequests
from transfer.batch.staging import COPIES_WHILE_FETCHED, Piece, Staging


class RequestAhead:
    """Sends requests for pieces of one delivery ahead, if neither gate nor source would block.

    A requested piece holds a slot of the gate and a connection until it is fetched or abandoned. A
    thread that waits for either holds none, so there are no deadlocks.
    """

    def __init__(self, staging: Staging) -> None:
        """Prepare requests to the source of a batch; none if the first failure ends the run."""
        delivery = staging.delivery
        storage = delivery.source.storage
        self._staging = staging
        fail_fast = delivery.options.on_error is OnError.FAIL
        self._source = (
            storage if isinstance(storage, SupportsEarlyRequests) and not fail_fast else None
        )
        self._gate = delivery.source.gate
        self._small = delivery.options.small

    def begin(self, piece: Piece) -> bool:
        """Send the request for a piece if that does not block, and say whether it was sent."""
        item = piece.item
        if self._source is None or piece.attempts or item.known_copies:
            return False
        if item.size is None or item.size > self._small:
            return False  # it is streamed
        if piece.redirected or piece.source is not None:
            return False
        if not self._staging.reserve(piece, COPIES_WHILE_FETCHED * item.size):
            return False
        if not self._gate.try_enter():
            self._staging.free_memory(piece)
            return False
        try:
            piece.pending = self._source.begin_fetch(item.origin, etag=item.etag)
        except StorageError:
            pass  # it is requested again later, and fails there if it must
        finally:
            if piece.pending is None:
                self._gate.leave()
                self._staging.free_memory(piece)
        return piece.pending is not None

    def fetch(self, piece: Piece) -> Fetched | None:
        """Return the reply to a request sent ahead; None if there was none."""
        if piece.pending is None:
            return None
        try:
            fetched = piece.pending.fetch()
        except StorageError as error:
            self._gate.record_result(error)
            raise
        finally:
            self._close_request(piece)
        self._gate.record_result(None)
        return fetched

    def abandon(self, piece: Piece) -> None:
        """Release what an unfetched piece holds; harmless if it holds nothing."""
        self._close_request(piece)
        self._staging.free_memory(piece)

    def _close_request(self, piece: Piece) -> None:
        pending, piece.pending = piece.pending, None
        if pending is not None:
            pending.close()
            self._gate.leave()
