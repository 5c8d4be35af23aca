"""Moves damaged files into the history, so that nobody uses them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from catalog.errors import ResourceNotFound, StorageError
from catalog.model.digest import Hasher
from catalog.model.resource import Resource
from providers.base import Attributes, Storage
from providers.interfaces.history import KeepResult, SupportsHistory, unknown_history_key
from transfer.batch.endpoints import Endpoint
from transfer.workers.pool import WorkerPool
from transfer.workers.stop import StopFlag

THREADS = 16


def move_to_history(
    end: Endpoint[Storage], history: Storage, paths: Sequence[str], run_id: str, stop: StopFlag
) -> None:
    """Move files into the history, named by the run, not by digest; missing ones are skipped."""
    tries: dict[str, int] = {}

    def work(path: str) -> float | None:
        try:
            with end.limiter.connection(stop), suppress(ResourceNotFound):
                _move_one(end.storage, history, path, unknown_history_key(run_id, path), stop)
        except StorageError as error:
            tries[path] = tries.get(path, 0) + 1
            delay = end.retry.delay_s(tries[path], error)
            if delay is None:
                raise
            return delay
        return None

    WorkerPool(paths, work, stop).run(THREADS)


def _move_one(storage: Storage, history: Storage, path: str, key: str, stop: StopFlag) -> None:
    current = storage.stat(path)
    kept = storage.keep(current, key) if isinstance(storage, SupportsHistory) else KeepResult.UNABLE
    if kept is KeepResult.UNABLE:
        _copy_file(storage, history, current, key, stop)
    storage.remove(path)


def _copy_file(
    storage: Storage, history: Storage, current: Resource, key: str, stop: StopFlag
) -> None:
    hasher = Hasher()
    attributes = Attributes(current.content_type, current.modified_us)
    reader = storage.read(current.path, etag=current.etag)
    try:
        writer = history.write(key, attributes, size=current.size)
        try:
            for chunk in reader:
                stop.check()
                hasher.update(chunk)
                writer.write(chunk)
            writer.commit(hasher.digest())
        except BaseException:
            writer.abort()
            raise
    finally:
        reader.close()
