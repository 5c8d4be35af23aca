"""Every router of the REST API beside that of resources, in the order in which they are asked."""

from __future__ import annotations

from gateway import flow_runs, plans, repositories, runs, starting, versions

ROUTERS = (
    repositories.router,
    versions.router,
    plans.router,
    runs.router,
    flow_runs.router,
    starting.router,
)
