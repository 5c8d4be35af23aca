"""Path conflicts: a file becomes a folder, or a folder a file.

The obstacle to an arrival is held aside first, in the same batch. If nothing arrives in its place,
it is restored.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from catalog.errors import CatalogError, StorageError
from catalog.model.digest import Digest, Hasher
from catalog.model.outcome import Status
from catalog.paths import is_below
from providers.base import Attributes
from transfer.batch.endpoints import HistoryArea
from transfer.batch.staging import Piece, Staging
from transfer.destination.history import keeps_history


class _Arrivals:
    """The arrivals of a batch, sorted by path for fast lookup."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        arriving = (piece for piece in pieces if not piece.removal)
        self._pieces = sorted(arriving, key=lambda one: one.item.path)
        self._paths = [piece.item.path for piece in self._pieces]

    def in_place_of(self, obstacle: Piece) -> list[Piece]:
        """Return the arrivals at an obstacle's path, below it, and at the folder above it."""
        path = obstacle.item.path
        found = self._at(path) + self._between(f"{path}/", f"{path}0")  # '0' comes after '/'
        conflict = obstacle.item.conflict or ""
        return found if is_below(path, conflict) else found + self._at(conflict)

    def _at(self, path: str) -> list[Piece]:
        return self._pieces[bisect_left(self._paths, path) : bisect_right(self._paths, path)]

    def _between(self, first: str, end: str) -> list[Piece]:
        return self._pieces[bisect_left(self._paths, first) : bisect_left(self._paths, end)]


class PathConflictResolver:
    """The obstacles of one batch and their arrivals."""

    def __init__(self, staging: Staging) -> None:
        """Find the arrivals of each obstacle; most batches have no obstacle."""
        self._staging = staging
        obstacles = [piece for piece in staging.pieces if piece.clears_path]
        arriving = _Arrivals(staging.pieces if obstacles else ())
        self._arrivals = {
            obstacle.item.path: arriving.in_place_of(obstacle) for obstacle in obstacles
        }

    def obstacles(self) -> list[tuple[Piece, int]]:
        """Return the obstacles to remove now, with the destination.

        An obstacle whose arrivals have all failed already is settled as failed.
        """
        obstacles: list[tuple[Piece, int]] = []
        for piece, number in self._open_obstacles():
            if any(one.error is None for one in self._arrivals_at(piece, number)):
                obstacles.append((piece, number))
            else:
                why = f"{piece.item.path!r} was kept: {piece.item.conflict!r} failed to arrive"
                self._staging.settle_failed(piece, number, StorageError(why, path=piece.item.path))
        return obstacles

    def restore(self) -> None:
        """Restore obstacles without an arrival, and delete the other held ones."""
        for piece in self._staging.pieces:
            if not piece.clears_path:
                continue
            for number, outcome in list(piece.outcomes.items()):
                if outcome.status is not Status.REMOVED:
                    continue
                arrived = any(
                    self._arrived(one, number) for one in self._arrivals_at(piece, number)
                )
                safe = arrived or self._put_back(piece, number)
                if safe and not keeps_history(self._staging, number):
                    self._delete_set_aside(piece, number)

    def _open_obstacles(self) -> Iterator[tuple[Piece, int]]:
        for piece in self._staging.pieces:
            if piece.clears_path:
                yield from ((piece, number) for number, _ in piece.open_targets())

    def _arrivals_at(self, obstacle: Piece, number: int) -> list[Piece]:
        arrivals = self._arrivals[obstacle.item.path]
        return [arrival for arrival in arrivals if number in arrival.item.destinations]

    def _arrived(self, piece: Piece, number: int) -> bool:
        outcome = piece.outcomes.get(number)
        return outcome is not None and outcome.status is Status.STORED

    def _put_back(self, piece: Piece, number: int) -> bool:
        """Restore an obstacle from where it is held, and say whether that succeeded.

        Its removal counts as failed either way.
        """
        path, area = piece.item.path, self._holding_area(number)
        why, back = f"{path!r} was restored: nothing arrived in its place", True
        for kept in piece.history_outcomes.get(number, ()):
            try:
                self._copy_back(area, kept.path, kept.digest, path, number)
            except CatalogError as error:
                why = f"{path!r} could not be restored, it is at {kept.path!r}: {error}"
                back = False
        self._staging.settle_failed(piece, number, StorageError(why, path=path))
        self._staging.delivery.progress.count_late_failure()
        return back

    def _copy_back(
        self, area: HistoryArea | None, key: str, digest: str | None, path: str, number: int
    ) -> None:
        if area is None:
            return
        storage, hasher = self._staging.delivery.destinations[number].storage, Hasher()
        with area.open() as aside:
            reading = aside.read(key)
            try:
                resource = reading.resource
                attributes = Attributes(resource.content_type, resource.modified_us, sha256=digest)
                writer = storage.write(path, attributes, size=resource.size)
                try:
                    for chunk in reading:
                        hasher.update(chunk)
                        writer.write(chunk)
                    writer.commit(Digest("sha256", hasher.digest().value))
                except BaseException:
                    writer.abort()
                    raise
            finally:
                reading.close()

    def _delete_set_aside(self, piece: Piece, number: int) -> None:
        """Delete a held file: this destination keeps no history."""
        area, kept = self._holding_area(number), piece.history_outcomes.pop(number, [])
        if area is None or not kept:
            return
        with area.open() as aside:
            for one in kept:
                aside.remove(one.path)

    def _holding_area(self, number: int) -> HistoryArea | None:
        return self._staging.delivery.destinations[number].holding_area
