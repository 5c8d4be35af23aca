"""What a run publishes: tables, texts, its progress, events, and lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from orchestration.with_prefect.report import (
        ProgressBar,
        Table,
        emit_event,
        publish_table,
        publish_text,
        record_lineage,
    )
else:
    from orchestration.without_prefect.report import (
        ProgressBar,
        Table,
        emit_event,
        publish_table,
        publish_text,
        record_lineage,
    )

__all__ = [
    "ProgressBar",
    "Table",
    "emit_event",
    "publish_table",
    "publish_text",
    "record_lineage",
]
