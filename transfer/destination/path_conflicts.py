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
from transfer.batch.endpoints import StorageRef
from transfer.batch.staging import Staging, Transfer
from transfer.destination.history import keeps_history


class _Arrivals:
    """The arrivals of a batch, sorted by path for fast lookup."""

    def __init__(self, transfers: Iterable[Transfer]) -> None:
        arriving = (transfer for transfer in transfers if not transfer.removal)
        self._transfers = sorted(arriving, key=lambda one: one.item.path)
        self._paths = [transfer.item.path for transfer in self._transfers]

    def in_place_of(self, obstacle: Transfer) -> list[Transfer]:
        """Return the arrivals at an obstacle's path, below it, and at the folder above it."""
        path = obstacle.item.path
        found = self._at(path) + self._between(f"{path}/", f"{path}0")  # '0' comes after '/'
        conflict = obstacle.item.conflict or ""
        return found if is_below(path, conflict) else found + self._at(conflict)

    def _at(self, path: str) -> list[Transfer]:
        return self._transfers[bisect_left(self._paths, path) : bisect_right(self._paths, path)]

    def _between(self, first: str, end: str) -> list[Transfer]:
        return self._transfers[bisect_left(self._paths, first) : bisect_left(self._paths, end)]


class PathConflictResolver:
    """The obstacles of one batch and their arrivals."""

    def __init__(self, staging: Staging) -> None:
        """Find the arrivals of each obstacle; most batches have no obstacle."""
        self._staging = staging
        obstacles = [transfer for transfer in staging.transfers if transfer.clears_path]
        arriving = _Arrivals(staging.transfers if obstacles else ())
        self._arrivals = {
            obstacle.item.path: arriving.in_place_of(obstacle) for obstacle in obstacles
        }

    def obstacles(self) -> list[tuple[Transfer, int]]:
        """Return the obstacles to remove now, with the destination.

        An obstacle whose arrivals have all failed already is settled as failed.
        """
        obstacles: list[tuple[Transfer, int]] = []
        for transfer, number in self._open_obstacles():
            if any(one.error is None for one in self._arrivals_at(transfer, number)):
                obstacles.append((transfer, number))
            else:
                why = (
                    f"{transfer.item.path!r} was kept: {transfer.item.conflict!r} failed to arrive"
                )
                self._staging.settle_failed(
                    transfer, number, StorageError(why, path=transfer.item.path)
                )
        return obstacles

    def restore(self) -> None:
        """Restore obstacles without an arrival, and delete the other held ones."""
        for transfer in self._staging.transfers:
            if not transfer.clears_path:
                continue
            for number, outcome in list(transfer.outcomes.items()):
                if outcome.status is not Status.REMOVED:
                    continue
                arrived = any(
                    self._arrived(one, number) for one in self._arrivals_at(transfer, number)
                )
                safe = arrived or self._put_back(transfer, number)
                if safe and not keeps_history(self._staging, number):
                    self._delete_set_aside(transfer, number)

    def _open_obstacles(self) -> Iterator[tuple[Transfer, int]]:
        for transfer in self._staging.transfers:
            if transfer.clears_path:
                yield from ((transfer, number) for number, _ in transfer.open_targets())

    def _arrivals_at(self, obstacle: Transfer, number: int) -> list[Transfer]:
        arrivals = self._arrivals[obstacle.item.path]
        return [arrival for arrival in arrivals if number in arrival.item.destinations]

    def _arrived(self, transfer: Transfer, number: int) -> bool:
        outcome = transfer.outcomes.get(number)
        return outcome is not None and outcome.status is Status.STORED

    def _put_back(self, transfer: Transfer, number: int) -> bool:
        """Restore an obstacle from where it is held, and say whether that succeeded.

        Its removal counts as failed either way.
        """
        path, area = transfer.item.path, self._holding_area(number)
        why, back = f"{path!r} was restored: nothing arrived in its place", True
        for kept in transfer.history_outcomes.get(number, ()):
            try:
                self._copy_back(area, kept.path, kept.digest, path, number)
            except CatalogError as error:
                why = f"{path!r} could not be restored, it is at {kept.path!r}: {error}"
                back = False
        self._staging.settle_failed(transfer, number, StorageError(why, path=path))
        self._staging.delivery.progress.count_late_failure()
        return back

    def _copy_back(
        self, area: StorageRef | None, key: str, digest: str | None, path: str, number: int
    ) -> None:
        if area is None:
            return
        storage, hasher = self._staging.delivery.destinations[number].storage, Hasher()
        with area.open() as aside:
            reader = aside.read(key)
            try:
                resource = reader.resource
                attributes = Attributes(resource.content_type, resource.modified_us, sha256=digest)
                writer = storage.write(path, attributes, size=resource.size)
                try:
                    for chunk in reader:
                        hasher.update(chunk)
                        writer.write(chunk)
                    writer.commit(Digest("sha256", hasher.digest().value))
                except BaseException:
                    writer.abort()
                    raise
            finally:
                reader.close()

    def _delete_set_aside(self, transfer: Transfer, number: int) -> None:
        """Delete a held file: this destination keeps no history."""
        area, kept = self._holding_area(number), transfer.history_outcomes.pop(number, [])
        if area is None or not kept:
            return
        with area.open() as aside:
            for one in kept:
                aside.remove(one.path)

    def _holding_area(self, number: int) -> StorageRef | None:
        return self._staging.delivery.destinations[number].holding_area
