"""Ask one Prefect server of several, from this process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

DRAIN_S = 20.0


@contextmanager
def prefect_at(api: str) -> Generator[None]:
    """Let Prefect ask the server at `api` while the block lasts, with events too.

    Prefect keeps the connection by which it sends events for as long as the process lives, whatever
    its settings say by then: so it is closed at both ends of the block.
    """
    from prefect.events.worker import EventsWorker  # noqa: PLC0415 - takes seconds
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    EventsWorker.drain_all(timeout=DRAIN_S)
    try:
        with temporary_settings({PREFECT_API_URL: api}):
            yield
    finally:
        EventsWorker.drain_all(timeout=DRAIN_S)
