"""The context of a delivery: both ends, the options, and the shared counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from catalog.model.plan import OnError, Strategy
from providers.base import Source, Storage
from transfer.batch.endpoints import Endpoint, StorageRef
from transfer.batch.mirrors import Mirrors
from transfer.contracts.contract import Contract
from transfer.workers.limits import MemoryBudget
from transfer.workers.progress import Progress
from transfer.workers.stop import StopFlag

MAX_SMALL_BYTES = 8 * 2**20  # up to this size a file is held in memory


class CleanUp(StrEnum):
    """What happens to the source's copy once every destination has it."""

    KEEP = "keep"
    REMOVE = "remove"


class History(StrEnum):
    """What happens to replaced and removed files at a destination with a history."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class KeptParts:
    """Where parts of unfinished large files are kept, and from which file size on."""

    folder: Path
    from_bytes: int


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How to transfer; sizes are in bytes."""

    threads: int = 64
    small: int = MAX_SMALL_BYTES
    large_at_once: int = 3
    on_error: OnError = OnError.CONTINUE
    clean_up: CleanUp = CleanUp.KEEP
    history: History = History.KEEP
    keep_staged: bool = False
    """Stage large files on disk too, so that checks can read them before any write."""
    contracts: tuple[Contract, ...] = ()
    """What the content of files must satisfy; files covered by a contract are staged."""
    strategy: Strategy = Strategy.DIGEST
    """The strategy of the plan; `marker` writes markers."""

    def needs_staging(self, path: str) -> bool:
        """Say whether a file must be staged completely before it is written anywhere."""
        return self.keep_staged or any(contract.covers(path) for contract in self.contracts)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A source, its destinations, and what their batches share in this process."""

    source: Endpoint[Source]
    destinations: tuple[Endpoint[Storage], ...]
    options: TransferOptions = TransferOptions()
    stop: StopFlag = field(default_factory=StopFlag)
    progress: Progress = field(default_factory=Progress)
    budget: MemoryBudget = field(default_factory=lambda: MemoryBudget(256 * 2**20))
    run_id: str = field(default_factory=lambda: uuid4().hex)
    places: tuple[Endpoint[Source], ...] = ()
    """Further storages that may have bytes of the plan; they are only read."""
    same_paths: frozenset[str] = frozenset()
    """Addresses of those that the user named: a file under the same path may be the same."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    quarantine_areas: Mapping[str, StorageRef] = field(default_factory=dict[str, StorageRef])
    """Where files that break a contract are put, by the contract's `quarantine`."""
    kept_parts: KeptParts | None = None
    """Where parts of large files are kept for resuming; None for nowhere."""
