"""Every router, in the order in which they are asked: REST, then pages."""

from __future__ import annotations

from gateway import (
    artifacts,
    entry_pages,
    flow_runs,
    linking,
    operate,
    pages,
    plans,
    record_pages,
    repositories,
    resources,
    runs,
    starting,
    uploads,
    versions,
)

ROUTERS = (
    operate.router,
    artifacts.router,
    uploads.router,  # its paths are below those of resources, whose routes take any name
    resources.router,
    repositories.router,
    versions.router,
    linking.router,
    plans.router,
    runs.router,
    flow_runs.router,
    starting.router,
    pages.router,
    record_pages.router,
    entry_pages.router,  # its last route takes every path below /browse/
)
