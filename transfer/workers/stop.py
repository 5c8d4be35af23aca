"""The stop flag: Prefect never interrupts threads, so the engine asks it between chunks."""

from __future__ import annotations

import threading

from catalog.errors import Cancelled


class StopFlag:
    """Set once, by whoever wants the work to end; everything under way undoes itself."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        """Start unset."""
        self._event = threading.Event()

    def set(self) -> None:
        """Ask for the end."""
        self._event.set()

    def is_set(self) -> bool:
        """Say whether the end was asked for."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` once the flag is set."""
        if self._event.is_set():
            raise Cancelled("the run was asked to stop")

    def wait(self, seconds: float) -> None:
        """Sleep, but not through the flag: raise `Cancelled` as soon as it is set."""
        if self._event.wait(seconds):
            self.check()
