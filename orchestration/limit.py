"""Concurrency limits that all processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from orchestration.with_prefect.limit import hold_slot, set_limits
else:
    from orchestration.without_prefect.limit import hold_slot, set_limits

__all__ = ["hold_slot", "set_limits"]
