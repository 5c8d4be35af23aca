"""All routers, in the order of matching: REST, then pages."""

from __future__ import annotations

from gateway.api import flow_runs, links, plans, profiles, repositories, runs, start_runs, versions
from gateway.pages import home, resources_and_runs
from gateway.pages import repositories as repository_pages
from gateway.resources import artifacts, chunked_uploads, routes

ROUTERS = (
    profiles.router,
    artifacts.router,
    chunked_uploads.router,  # its paths are below those of resources, whose routes take any name
    routes.router,
    repositories.router,
    versions.router,
    links.router,
    plans.router,
    runs.router,
    flow_runs.router,
    start_runs.router,
    repository_pages.router,
    resources_and_runs.router,
    home.router,  # its last route takes every path below /browse/
)
