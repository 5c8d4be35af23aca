"""Reports of direct runs: the result on the terminal and the catalog are all there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Table: TypeAlias = list[dict[str, Any]]


def publish_table(rows: Table, key: str, description: str) -> None:
    """Publish nothing."""


def publish_text(markdown: str, key: str, description: str) -> None:
    """Publish nothing."""


class ProgressBar:
    """A progress that nobody watches; the command line shows its own."""

    def __init__(self, key: str, description: str) -> None:
        """Create nothing."""

    def update(self, percent: float, description: str) -> None:
        """Show nothing."""


def emit_event(name: str, resource: Mapping[str, str], payload: Mapping[str, Any]) -> None:
    """Emit nothing: no automation listens."""


def record_lineage(
    asset: tuple[str, str], upstream: Sequence[tuple[str, str]], facts: Mapping[str, Any]
) -> None:
    """Record nothing: the catalog has the source of each version."""
