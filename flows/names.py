"""Names of runs in the UI: readable, and never with a secret."""

from __future__ import annotations

from prefect.runtime import flow_run

from blocks.repository import Repository
from providers.registry import scheme_of


def run_name() -> str:
    """Return `<flow> <source> to <destinations>` of the run that begins."""
    parameters = dict(flow_run.parameters or {})
    verb = flow_run.flow_name or "run"
    source = shown(parameters.get("source", parameters.get("repository")))
    given = parameters.get("destinations", parameters.get("directory", ()))
    ends = given if isinstance(given, list | tuple) else [given]
    return f"{verb} {source} to {', '.join(shown(one) for one in ends)}"[:200]


def shown(value: object) -> str:
    """Return a repository's name or address; of an address only what cannot hold a secret."""
    if isinstance(value, Repository):
        return value.label
    if isinstance(value, str):
        if scheme_of(value) is None:
            return value
        scheme, _, rest = value.partition("?")[0].partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return "repository"
