"""The Prefect flow run in progress."""

from __future__ import annotations

from typing import Any

from prefect.logging import get_run_logger as run_logger
from prefect.runtime import flow_run

__all__ = ["flow_name", "flow_run_id", "run_logger", "run_parameters"]


def flow_run_id() -> str | None:
    """Return the id of the flow run, if there is one."""
    return str(flow_run.id) if flow_run.id else None


def flow_name() -> str:
    """Return the name of the flow that runs."""
    return flow_run.flow_name or "run"


def run_parameters() -> dict[str, Any]:
    """Return the parameters of the flow run."""
    return dict(flow_run.parameters or {})
