"""Every router beside that of resources, in the order in which they are asked: REST, then pages."""

from __future__ import annotations

from gateway import (
    entry_pages,
    flow_runs,
    linking,
    pages,
    plans,
    record_pages,
    repositories,
    runs,
    starting,
    versions,
)

ROUTERS = (
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
