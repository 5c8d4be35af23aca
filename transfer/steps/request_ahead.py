"""Pipelines requests: asks for the next small files before the first reply is read."""

from __future__ import annotations

from catalog.errors import StorageError
from catalog.model.plan import OnError
from providers.base import Fetched
from providers.interfaces.early_request import SupportsEarlyRequests
from transfer.batch.staging import COPIES_WHILE_FETCHED, Staging, Transfer


class RequestAhead:
    """Sends requests for files of one delivery ahead, if neither limiter nor source would block.

    A requested file holds a slot of the limiter and a connection until it is fetched or abandoned.
    A thread that waits for either holds none, so there are no deadlocks.
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
        self._limiter = delivery.source.limiter
        self._small = delivery.options.small

    def begin(self, transfer: Transfer) -> bool:
        """Send the request for a transfer if that does not block, and say whether it was sent."""
        item = transfer.item
        if self._source is None or transfer.attempts or item.known_copies:
            return False
        if item.size is None or item.size > self._small:
            return False  # it is streamed
        if transfer.redirected or transfer.source is not None:
            return False
        if not self._staging.reserve(transfer, COPIES_WHILE_FETCHED * item.size):
            return False
        if not self._limiter.try_enter():
            self._staging.free_memory(transfer)
            return False
        try:
            transfer.pending = self._source.begin_fetch(item.origin, etag=item.etag)
        except StorageError:
            pass  # it is requested again later, and fails there if it must
        finally:
            if transfer.pending is None:
                self._limiter.leave()
                self._staging.free_memory(transfer)
        return transfer.pending is not None

    def fetch(self, transfer: Transfer) -> Fetched | None:
        """Return the reply to a request sent ahead; None if there was none."""
        if transfer.pending is None:
            return None
        try:
            fetched = transfer.pending.fetch()
        except StorageError as error:
            self._limiter.record_result(error)
            raise
        finally:
            self._close_request(transfer)
        self._limiter.record_result(None)
        return fetched

    def abandon(self, transfer: Transfer) -> None:
        """Release what an unfetched transfer holds; harmless if it holds nothing."""
        self._close_request(transfer)
        self._staging.free_memory(transfer)

    def _close_request(self, transfer: Transfer) -> None:
        pending, transfer.pending = transfer.pending, None
        if pending is not None:
            pending.close()
            self._limiter.leave()
