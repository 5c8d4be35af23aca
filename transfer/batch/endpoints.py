"""The ends of a delivery: open storages, with the areas they may have beside their files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from providers.base import Source, Storage
from transfer.workers.limits import RequestLimiter
from transfer.workers.retry import RetryPolicy

DEFAULT_RETRY = RetryPolicy()

S_co = TypeVar("S_co", bound=Source, covariant=True)


@dataclass(frozen=True, slots=True)
class StorageRef:
    """A storage that is opened when it is needed: its address, and how to open it."""

    address: str
    open: Callable[[], AbstractContextManager[Storage]]


@dataclass(frozen=True, slots=True)
class MarkerArea:
    """Where a destination has its markers: a folder in the storage that `open` returns."""

    folder: str  # '' if that storage has nothing but markers
    open: Callable[[], AbstractContextManager[Storage]]

    def marker_name(self, path: str) -> str:
        """Return the path of a file's marker."""
        return f"{self.folder}/{path}.done" if self.folder else f"{path}.done"


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[S_co]):
    """One open storage of a delivery, with its address, limiter and retry policy."""

    address: str
    storage: S_co
    limiter: RequestLimiter
    retry: RetryPolicy = DEFAULT_RETRY
    history: StorageRef | None = None
    holding_area: StorageRef | None = None
    """Where an obstacle is held until the file that replaces it has arrived."""
    markers: MarkerArea | None = None
