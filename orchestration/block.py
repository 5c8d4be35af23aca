"""The base class of blocks, Prefect's or a plain model, and the names of those that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from orchestration.with_prefect.block import Block, stored_names
else:
    from orchestration.without_prefect.block import Block, stored_names

__all__ = ["Block", "stored_names"]
