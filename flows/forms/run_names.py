"""Names of runs in the UI: readable, and without secrets."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.repository import Repository
from orchestration.run import flow_name, run_parameters
from providers.registry import scheme_of

SOURCE_PARAMETERS = ("source", "repository", "repositories")


def run_name() -> str:
    """Return `<flow> <source> to <destinations>` for the run that starts."""
    parameters = run_parameters()
    verb = flow_name()
    value = next((parameters[name] for name in SOURCE_PARAMETERS if name in parameters), None)
    sources = value if isinstance(value, list) else [value]
    source = ", ".join(map(short_name, sources))
    outputs = (parameters[name] for name in ("directory", "archive", "file") if name in parameters)
    value = parameters.get("destinations", next(outputs, ()))
    destinations = value if isinstance(value, list | tuple) else [value]
    to = f" to {', '.join(map(short_name, destinations))}" if destinations else ""
    return f"{verb} {source}{to}"[:200]


def selection_run_name() -> str:
    """Return `<flow>` and the names and labels that select repositories."""
    parameters = run_parameters()
    labels = [f"{name}={value}" for name, value in (parameters.get("labels") or {}).items()]
    names = parameters.get("names") or ()
    return " ".join([flow_name(), *names, *labels])[:200]


def short_name(value: object) -> str:
    """Return a repository's name, or the end of its address, which cannot contain a secret.

    >>> short_name("https://user@host:8080/a/b/c/?key=secret"), short_name("/srv/data/in")
    ('host:8080/…/c', '…/in')
    """
    if isinstance(value, Repository):
        return value.name or short_name(value.address)
    if isinstance(value, Mapping):
        return short_name(value.get("url") or value.get("bucket") or value.get("type"))
    if not isinstance(value, str):
        return "repository"
    host, path = "", value
    if scheme_of(value) is not None:
        host, _, path = value.partition("?")[0].partition("://")[2].partition("/")
        host = host.rpartition("@")[2]
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if not segments:
        return host or path
    ellipsis = ["…"] if len(segments) > 1 else []
    return "/".join([*([host] if host else []), *ellipsis, segments[-1]])
