"""What the command line needs of a Prefect server to run verbs; without Prefect, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from cli.flows.with_prefect import (
        API_ERRORS,
        PREFECT_ERRORS,
        check_prefect_reachable,
        explain,
        show_log,
    )
    from orchestration.with_prefect.local_server import ensure_server
else:
    from cli.flows.without_prefect import (
        API_ERRORS,
        PREFECT_ERRORS,
        check_prefect_reachable,
        ensure_server,
        explain,
        show_log,
    )

__all__ = [
    "API_ERRORS",
    "PREFECT_ERRORS",
    "check_prefect_reachable",
    "ensure_server",
    "explain",
    "show_log",
]
