"""What one delivery needs to know: both ends, the options, and where to count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from catalog.model.plan import OnError, Strategy
from providers.base import Source, Storage
from transfer.batch.endpoints import End, HistoryArea
from transfer.batch.mirrors import Mirrors
from transfer.contracts.contract import Contract
from transfer.workers.limits import MemoryBudget
from transfer.workers.progress import Progress
from transfer.workers.stop import StopFlag

MAX_SMALL_BYTES = 8 * 2**20  # bytes; up to here a file is held whole


class CleanUp(StrEnum):
    """What becomes of the source's copy once every destination holds it."""

    KEEP = "keep"
    REMOVE = "remove"


class History(StrEnum):
    """What becomes of files that are replaced or removed at a destination that has a history."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class KeptParts:
    """Where parts of large files lie until those are whole, and from how many bytes on."""

    folder: Path
    from_bytes: int


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How to move; sizes in bytes."""

    threads: int = 64
    small: int = MAX_SMALL_BYTES
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

    def needs_staging(self, path: str) -> bool:
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
    budget: MemoryBudget = field(default_factory=lambda: MemoryBudget(256 * 2**20))
    run_id: str = field(default_factory=lambda: uuid4().hex)
    places: tuple[End[Source], ...] = ()
    """Further storages that may hold bytes the plan needs; they are read only."""
    same_paths: frozenset[str] = frozenset()
    """Addresses of those that a person named: what stands there under its path may be it."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    quarantine_areas: Mapping[str, HistoryArea] = field(default_factory=dict[str, HistoryArea])
    """Where what breaks a contract is put aside, by what the contract says of that."""
    kept_parts: KeptParts | None = None
    """Where parts of large files are kept for a run after a kill; None for nowhere."""
