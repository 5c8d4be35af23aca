"""Prefect's global concurrency limits; slots have a lease, so a killed worker's is released."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from prefect import get_client
from prefect.concurrency.sync import concurrency

LEASE_S = 120.0
TIMEOUT_S = 3600.0


def set_limits(limits: Mapping[str, int]) -> None:
    """Create or update global limits."""
    if not limits:
        return
    with get_client(sync_client=True) as client:
        for name, number in limits.items():
            client.upsert_global_concurrency_limit_by_name(name, number)


def hold_slot(name: str) -> AbstractContextManager[None]:
    """Hold one slot of a limit."""
    return concurrency(
        name,
        occupy=1,
        timeout_seconds=TIMEOUT_S,
        strict=True,
        lease_duration=LEASE_S,
        raise_on_lease_renewal_failure=False,
    )
