"""The run that is in progress: its log, its id, and the parameters that name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from orchestration.with_prefect.run import flow_name, flow_run_id, run_logger, run_parameters
else:
    from orchestration.without_prefect.run import flow_name, flow_run_id, run_logger, run_parameters

__all__ = ["flow_name", "flow_run_id", "run_logger", "run_parameters"]
