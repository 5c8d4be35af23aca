"""Ask for the next small files before the reply to the first is read."""

from __future__ import annotations

from catalog.errors import StorageError
from catalog.plan import OnError
from providers.asking import Asker
from providers.base import Fetched
from transfer.job import Delivery
from transfer.staging import Piece


class Asking:
    """Begins pieces of one delivery where neither its gate nor its source would make them wait.

    A piece that was begun holds a passage of the gate and a connection until it is fetched or
    abandoned. A thread that waits for either holds none, so nobody waits in a circle.
    """

    def __init__(self, delivery: Delivery) -> None:
        """Ask the source of `delivery`; never where the first failure is to be the last request."""
        storage = delivery.source.storage
        careful = delivery.options.on_error is OnError.FAIL
        self._asker = storage if isinstance(storage, Asker) and not careful else None
        self._gate = delivery.source.gate

    def begin(self, piece: Piece) -> bool:
        """Send the request for a piece if that needs no waiting, and say whether it was sent."""
        item = piece.item
        if self._asker is None or piece.attempts or item.elsewhere or item.size is None:
            return False
        if piece.turned or piece.source is not None:
            return False
        if not self._gate.enter_at_once():
            return False
        try:
            piece.asked = self._asker.ask(item.origin, etag=item.etag)
        except StorageError:
            pass  # it is asked for again in its turn, and fails there if it must
        finally:
            if piece.asked is None:
                self._gate.leave()
        return piece.asked is not None

    def fetch(self, piece: Piece) -> Fetched | None:
        """Return what was asked for; None where nothing was."""
        if piece.asked is None:
            return None
        try:
            return piece.asked.fetch()
        finally:
            self.abandon(piece)

    def abandon(self, piece: Piece) -> None:
        """Let go of what a piece holds; one that holds nothing is fine."""
        asked, piece.asked = piece.asked, None
        if asked is not None:
            asked.close()
            self._gate.leave()
