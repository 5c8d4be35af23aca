"""The stop flag: Prefect never interrupts threads, so the engine checks it between chunks."""

from __future__ import annotations

import threading

from catalog.errors import Cancelled


class StopFlag:
    """Set once to end the work; unfinished work is undone."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        """Start unset."""
        self._event = threading.Event()

    def set(self) -> None:
        """Request the end."""
        self._event.set()

    def is_set(self) -> bool:
        """Say whether the end was requested."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` once the flag is set."""
        if self._event.is_set():
            raise Cancelled("the run was asked to stop")

    def wait(self, seconds: float) -> None:
        """Sleep; raise `Cancelled` as soon as the flag is set."""
        if self._event.wait(seconds):
            self.check()
