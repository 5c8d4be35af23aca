"""Injected faults: at which operation, of what kind, how often for each file."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    ResourceNotFound,
    StorageBusy,
    StorageError,
    StorageFull,
    TransferTimeout,
)
from catalog.glob import globs_to_regex


class Where(StrEnum):
    """The operation that a fault affects."""

    LIST = "list"
    STAT = "stat"
    READ = "read"
    WRITE = "write"
    REMOVE = "remove"


class Kind(StrEnum):
    """What goes wrong."""

    DENIED = "denied"
    MISSING = "missing"
    FULL = "full"
    BUSY = "busy"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    """The connection breaks: in the middle of a read, or before any other operation."""
    SHORT = "short"
    """A read or a write is truncated but reports success."""
    FLIPPED = "flipped"
    """One bit of the data read or written is flipped."""
    SLOW = "slow"
    """The operation takes `wait_s` longer."""


ERRORS: dict[Kind, type[StorageError]] = {
    Kind.DENIED: AccessDenied,
    Kind.MISSING: ResourceNotFound,
    Kind.FULL: StorageFull,
    Kind.BUSY: StorageBusy,
    Kind.TIMEOUT: TransferTimeout,
    Kind.BROKEN: ConnectionFailed,
}
DATA_FAULTS = (Kind.SHORT, Kind.FLIPPED)


class Fault(BaseModel, title="Fault"):
    """One kind of injected fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: Where = Field(
        title="Where", description="Operation to affect: list, stat, read, write or remove."
    )
    kind: Kind = Field(title="What", description="Kind of fault.")
    files: str = Field(default="**", title="Files", description="Glob of the affected files.")
    times: int | None = Field(
        default=1,
        ge=1,
        title="Times",
        description="How often the fault occurs for each file; none for always.",
    )
    wait_s: float = Field(
        default=1.0, ge=0, title="Wait", description="Delay of a slow operation in seconds."
    )

    @field_validator("files")
    @classmethod
    def _check_glob(cls, value: str) -> str:
        globs_to_regex((value,))
        return value


class Faults:
    """The remaining faults in this process; thread-safe."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Start with no fault injected yet."""
        self._faults = [(fault, re.compile(globs_to_regex((fault.files,)))) for fault in faults]
        self._done: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()

    def next_due(self, where: Where, path: str) -> Fault | None:
        """Return the fault to inject now, and count it."""
        with self._lock:
            for number, (one, pattern) in enumerate(self._faults):
                if one.where is not where or not pattern.fullmatch(path):
                    continue
                if one.times is None or self._done[number, path] < one.times:
                    self._done[number, path] += 1
                    return one
        return None

    def apply(self, where: Where, path: str) -> Fault | None:
        """Raise or wait for the next fault; return it if it affects data."""
        fault = self.next_due(where, path)
        if fault is None:
            return None
        if fault.kind is Kind.SLOW:
            time.sleep(fault.wait_s)
            return None
        if fault.kind in DATA_FAULTS or (fault.kind is Kind.BROKEN and where is Where.READ):
            return fault
        raise error_of(fault, path)


def error_of(fault: Fault, path: str) -> StorageError:
    """Return the error that a fault raises."""
    return ERRORS[fault.kind](f"{path!r}: {fault.kind.value} on purpose", path=path)


def corrupt(fault: Fault | None, data: bytes) -> bytes:
    """Return data with the fault applied: truncated, or with a bit flipped.

    >>> corrupt(Fault(where="read", kind="flipped"), b"abc")
    b'`bc'
    """
    if fault is None or not data:
        return data
    if fault.kind is Kind.FLIPPED:
        return bytes([data[0] ^ 1]) + data[1:]
    return data[: len(data) // 2]
