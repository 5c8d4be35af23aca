"""Ask for the next small files before the reply to the first is read."""

from __future__ import annotations

from catalog.errors import StorageError
from catalog.model.plan import OnError
from providers.base import Fetched
from providers.interfaces.early_request import SupportsEarlyRequests
from transfer.batch.staging import COPIES, Piece, Staging


class RequestAhead:
    """Begins pieces of one delivery where neither its gate nor its source would make them wait.

    A piece that was begun holds a passage of the gate and a connection until it is fetched or
    abandoned. A thread that waits for either holds none, so nobody waits in a circle.
    """

    def __init__(self, staging: Staging) -> None:
        """Ask the source of a batch; never where the first failure is to be the last request."""
        delivery = staging.delivery
        storage = delivery.source.storage
        self._staging = staging
        careful = delivery.options.on_error is OnError.FAIL
        self._asker = (
            storage if isinstance(storage, SupportsEarlyRequests) and not careful else None
        )
        self._gate = delivery.source.gate
        self._small = delivery.options.small

    def begin(self, piece: Piece) -> bool:
        """Send the request for a piece if that needs no waiting, and say whether it was sent."""
        item = piece.item
        if self._asker is None or piece.attempts or item.elsewhere:
            return False
        if item.size is None or item.size > self._small:
            return False  # it comes in chunks
        if piece.turned or piece.source is not None:
            return False
        if not self._staging.reserve(piece, COPIES * item.size):
            return False
        if not self._gate.enter_at_once():
            self._staging.let_go(piece)
            return False
        try:
            piece.asked = self._asker.begin_fetch(item.origin, etag=item.etag)
        except StorageError:
            pass  # it is asked for again in its turn, and fails there if it must
        finally:
            if piece.asked is None:
                self._gate.leave()
                self._staging.let_go(piece)
        return piece.asked is not None

    def fetch(self, piece: Piece) -> Fetched | None:
        """Return what was asked for; None where nothing was."""
        if piece.asked is None:
            return None
        try:
            fetched = piece.asked.fetch()
        except StorageError as error:
            self._gate.heard(error)
            raise
        finally:
            self._leave(piece)
        self._gate.heard(None)
        return fetched

    def abandon(self, piece: Piece) -> None:
        """Let go of what a piece that was not fetched holds; one that holds nothing is fine."""
        self._leave(piece)
        self._staging.let_go(piece)

    def _leave(self, piece: Piece) -> None:
        asked, piece.asked = piece.asked, None
        if asked is not None:
            asked.close()
            self._gate.leave()
