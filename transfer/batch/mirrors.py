"""The mirrors of a source: other sources of the same files, opened on demand.

Each is opened on first use, so that one that is down does not matter. Each has its own credentials,
limits and retries.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from providers.base import Source
from transfer.batch.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Mirror:
    """One mirror: its address, and how to open it."""

    address: str
    open: Callable[[], AbstractContextManager[Endpoint[Source]]]


class Mirrors:
    """The mirrors of one source, opened on demand and closed together."""

    def __init__(self, every: Sequence[Mirror] = ()) -> None:
        """Use the mirrors `every`, in this order."""
        self._every = tuple(every)
        self._ends: dict[str, Endpoint[Source]] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._every)

    def __enter__(self) -> Self:
        """Open no mirror yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the opened mirrors."""
        self._stack.close()

    def addresses(self) -> tuple[str, ...]:
        """Return their addresses in order."""
        return tuple(mirror.address for mirror in self._every)

    def end(self, address: str) -> Endpoint[Source]:
        """Open a mirror, or return the open one."""
        with self._lock:
            if address not in self._ends:
                mirror = next(mirror for mirror in self._every if mirror.address == address)
                self._ends[address] = self._stack.enter_context(mirror.open())
            return self._ends[address]
