"""What one delivery needs to know: both ends, the options, and where to count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import uuid4

from catalog.plan import OnError, Strategy
from providers.base import Source, Storage
from transfer.contracts.contract import Contract
from transfer.limits import ByteBudget, Gate
from transfer.mirrors import Mirrors
from transfer.progress import Progress
from transfer.retry import RetryPolicy
from transfer.stop import StopFlag

DEFAULT_RETRY = RetryPolicy()
SMALL = 8 * 2**20  # bytes; up to here a file is held whole


class CleanUp(StrEnum):
    """What becomes of the source's copy once every destination holds it."""

    KEEP = "keep"
    REMOVE = "remove"


class History(StrEnum):
    """What becomes of files that are replaced or removed at a destination that has a history."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class HistoryArea:
    """Where a destination keeps such files: its address, and how to open it as a storage."""

    address: str
    opened: Callable[[], AbstractContextManager[Storage]]


@dataclass(frozen=True, slots=True)
class MarkerArea:
    """Where a destination has its markers: a folder below the storage that `opened` gives."""

    folder: str  # '' where that storage holds nothing else
    opened: Callable[[], AbstractContextManager[Storage]]

    def key(self, path: str) -> str:
        """Return the name of the marker of a file."""
        return f"{self.folder}/{path}.done" if self.folder else f"{path}.done"


S_co = TypeVar("S_co", bound=Source, covariant=True)


@dataclass(frozen=True, slots=True)
class End(Generic[S_co]):
    """One open storage of a delivery: its address, its gate, and its own retries."""

    address: str
    storage: S_co
    gate: Gate
    retry: RetryPolicy = DEFAULT_RETRY
    history: HistoryArea | None = None
    markers: MarkerArea | None = None


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How to move; sizes in bytes."""

    threads: int = 64
    small: int = SMALL
    large_at_once: int = 3
    on_error: OnError = OnError.CONTINUE
    clean_up: CleanUp = CleanUp.KEEP
    history: History = History.KEEP
    keep_staged: bool = False
    """Stage large files on disk too, so that checks can look into them before any write."""
    contracts: tuple[Contract, ...] = ()
    """What the content of files must satisfy; those that one covers are staged."""
    strategy: Strategy = Strategy.DIGEST
    """How the plan was decided: under `marker`, markers are written."""

    def stages(self, path: str) -> bool:
        """Say whether a file has to be here, whole, before it is written anywhere."""
        return self.keep_staged or any(one.covers(path) for one in self.contracts)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A source, its destinations, and all that their batches share in this process."""

    source: End[Source]
    destinations: tuple[End[Storage], ...]
    options: TransferOptions = TransferOptions()
    stop: StopFlag = field(default_factory=StopFlag)
    progress: Progress = field(default_factory=Progress)
    budget: ByteBudget = field(default_factory=lambda: ByteBudget(256 * 2**20))
    run_id: str = field(default_factory=lambda: uuid4().hex)
    places: tuple[End[Source], ...] = ()
    """Further storages that may hold bytes the plan needs; they are read only."""
    same_paths: frozenset[str] = frozenset()
    """Addresses of those that a person named: what stands there under its path may be it."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    asides: Mapping[str, HistoryArea] = field(default_factory=dict[str, HistoryArea])
    """Where what breaks a contract is put aside, by what the contract says of that."""
