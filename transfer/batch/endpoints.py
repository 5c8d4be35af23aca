"""The ends of a delivery: open storages, and the areas that they may have beside their files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from providers.base import Source, Storage
from transfer.workers.limits import Gate
from transfer.workers.retry import RetryPolicy

DEFAULT_RETRY = RetryPolicy()

S_co = TypeVar("S_co", bound=Source, covariant=True)


@dataclass(frozen=True, slots=True)
class HistoryArea:
    """Where files that leave their place are kept: an address, and how to open its storage."""

    address: str
    open: Callable[[], AbstractContextManager[Storage]]


@dataclass(frozen=True, slots=True)
class MarkerArea:
    """Where a destination has its markers: a folder below the storage that `opened` gives."""

    folder: str  # '' where that storage holds nothing else
    open: Callable[[], AbstractContextManager[Storage]]

    def marker_name(self, path: str) -> str:
        """Return the name of the marker of a file."""
        return f"{self.folder}/{path}.done" if self.folder else f"{path}.done"


@dataclass(frozen=True, slots=True)
class End(Generic[S_co]):
    """One open storage of a delivery: its address, its gate, and its own retries."""

    address: str
    storage: S_co
    gate: Gate
    retry: RetryPolicy = DEFAULT_RETRY
    history: HistoryArea | None = None
    holding_area: HistoryArea | None = None
    """Where it puts what makes way for an arrival until that is there; the same place."""
    markers: MarkerArea | None = None
