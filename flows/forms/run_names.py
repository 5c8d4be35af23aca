"""Names of runs in the UI: readable, and never with a secret."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.runtime import flow_run

from blocks.repository import Repository
from providers.registry import scheme_of

ORIGINS = ("source", "repository", "repositories")


def run_name() -> str:
    """Return `<flow> <source> to <destinations>` of the run that begins, or its repository."""
    parameters = dict(flow_run.parameters or {})
    verb = flow_run.flow_name or "run"
    origin = next((parameters[one] for one in ORIGINS if one in parameters), None)
    origins = origin if isinstance(origin, list) else [origin]
    source = ", ".join(shown(one) for one in origins)
    written = (parameters[one] for one in ("directory", "archive", "file") if one in parameters)
    given = parameters.get("destinations", next(written, ()))
    ends = given if isinstance(given, list | tuple) else [given]
    to = f" to {', '.join(shown(one) for one in ends)}" if ends else ""
    return f"{verb} {source}{to}"[:200]


def chosen_name() -> str:
    """Return `<flow>` of the run that begins, with the names and labels that it goes by."""
    given = dict(flow_run.parameters or {})
    labels = [f"{name}={value}" for name, value in (given.get("labels") or {}).items()]
    return " ".join([flow_run.flow_name or "run", *(given.get("names") or ()), *labels])[:200]


def shown(value: object) -> str:
    """Return a repository's name, or the end of its address, which cannot hold a secret.

    >>> shown("https://user@host:8080/a/b/c/?key=secret"), shown("/srv/data/in")
    ('host:8080/…/c', '…/in')
    """
    if isinstance(value, Repository):
        return value.name or shown(value.address)
    if isinstance(value, Mapping):
        return shown(value.get("url") or value.get("bucket") or value.get("type"))
    if not isinstance(value, str):
        return "repository"
    host, path = "", value
    if scheme_of(value) is not None:
        host, _, path = value.partition("?")[0].partition("://")[2].partition("/")
        host = host.rpartition("@")[2]
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if not segments:
        return host or path
    between = ["…"] if len(segments) > 1 else []
    return "/".join([*([host] if host else []), *between, segments[-1]])
