"""Read a workflow file: what is synced to where, how, and how often.

    from flows.workflows.file import read
    workflows = read(Path("nightly.yaml"), os.environ)

Neither a storage nor Prefect is contacted, so names of stored blocks are not resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from blocks.resolve import NAME
from blocks.webhook import Webhook
from catalog.errors import InvalidInput
from catalog.model.plan import Mode, Strategy
from flows.forms.options import BatchSettings
from flows.sync import sync
from flows.workflows.endpoints import (
    EndpointRole,
    WorkflowEndpoint,
    describe_errors,
    parse_endpoint,
)
from flows.workflows.syntax import (
    Fields,
    WorkflowSections,
    check_keys,
    expand_variables,
    parse_sections,
    seconds_of,
)
from transfer.batch.delivery import CleanUp

INTERVAL = "5m"
INGEST = ("source", "destinations", "cleanUp", "interval", "batchSize", "concurrency", "webhook")
SYNC_PARAMETERS = tuple(
    name for name in signature(sync.fn).parameters if name not in (*INGEST, "clean_up", "batches")
)
"""Parameters of `sync` that a workflow may set by their own names."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow; `parameters` are those of `sync`, without its endpoints and webhook."""

    name: str
    source: WorkflowEndpoint
    destinations: tuple[WorkflowEndpoint, ...]
    interval_s: float  # 0: run once
    parameters: Mapping[str, Any]
    webhook: Webhook | str | None = None

    @property
    def cleans_up(self) -> bool:
        """Return whether it removes delivered files from its source."""
        return self.parameters["clean_up"] is CleanUp.REMOVE


@dataclass(frozen=True, slots=True)
class Skipped:
    """A workflow that is invalid, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        """Return one line."""
        return f"workflow {self.name!r}: {self.why}"


@dataclass(frozen=True, slots=True)
class Workflows:
    """The workflows of a file; `unused` are sources and destinations that no workflow names."""

    name: str
    workflows: tuple[Workflow, ...]
    skipped: tuple[Skipped, ...] = ()
    unused: tuple[str, ...] = ()

    def endpoints(self) -> tuple[WorkflowEndpoint, ...]:
        """Return every source and destination that is used, without duplicates."""
        used = [
            endpoint
            for workflow in self.workflows
            for endpoint in (workflow.source, *workflow.destinations)
        ]
        return tuple({(endpoint.role, endpoint.name): endpoint for endpoint in used}.values())


def read(path: Path, variables: Mapping[str, str], *, strict: bool = True) -> Workflows:
    """Read a file.

    Raises:
        InvalidInput: the file is invalid; every line of the error begins with its name.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    try:
        return build_workflows(
            parse_sections(expand_variables(text, variables), path.stem), strict=strict
        )
    except InvalidInput as error:
        lines = [f"{path}: {line}" for line in str(error).splitlines()]
        raise InvalidInput("\n".join(lines)) from error


def build_workflows(sections: WorkflowSections, *, strict: bool = True) -> Workflows:
    """Return the workflows of a file; an invalid one is skipped unless `strict`.

    Raises:
        InvalidInput: with `strict`, a workflow is invalid; the error has a line for each.
    """
    endpoints = _Endpoints(sections)
    workflows: dict[str, Workflow] = {}
    skipped: list[Skipped] = []
    for name, fields in sections.workflows.items():
        try:
            workflows[name] = _parse_workflow(name, fields, endpoints)
        except InvalidInput as error:
            skipped.append(Skipped(name, str(error)))
    for conflict in _clean_up_conflicts(list(workflows.values())):
        del workflows[conflict.name]
        skipped.append(conflict)
    if strict and skipped:
        raise InvalidInput("\n".join(map(str, skipped)))
    unused = endpoints.unused()
    return Workflows(sections.name, tuple(workflows.values()), tuple(skipped), unused)


class _Endpoints:
    """The sources and destinations of a file, each parsed once, when it is first used."""

    def __init__(self, sections: WorkflowSections) -> None:
        self._fields = {
            EndpointRole.SOURCE: sections.sources,
            EndpointRole.DESTINATION: sections.destinations,
        }
        self._parsed: dict[tuple[EndpointRole, str], WorkflowEndpoint] = {}
        self._used: set[tuple[EndpointRole, str]] = set()

    def get(self, role: EndpointRole, name: object) -> WorkflowEndpoint:
        """Return an endpoint; raise `InvalidInput` if there is none or it is invalid."""
        if not isinstance(name, str) or name not in self._fields[role]:
            known = ", ".join(self._fields[role]) or "none"
            raise InvalidInput(f"there is no {role.value} {name!r}; known: {known}")
        key = (role, name)
        self._used.add(key)
        if key not in self._parsed:
            self._parsed[key] = parse_endpoint(name, role, self._fields[role][name])
        return self._parsed[key]

    def unused(self) -> tuple[str, ...]:
        """Return the endpoints that no workflow uses."""
        return tuple(
            f"{role.value} {name!r}"
            for role, names in self._fields.items()
            for name in names
            if (role, name) not in self._used
        )


def _parse_workflow(name: str, fields: Fields, endpoints: _Endpoints) -> Workflow:
    check_keys(fields, (*INGEST, *SYNC_PARAMETERS), "")
    source = endpoints.get(EndpointRole.SOURCE, fields.get("source"))
    names = fields.get("destinations")
    if not isinstance(names, list) or not names:
        raise InvalidInput(f"expected `destinations` to be a list of names, found {names!r}")
    destinations = tuple(endpoints.get(EndpointRole.DESTINATION, item) for item in names)
    identities = [destination.identity for destination in destinations]
    duplicates = [end.name for end in destinations if identities.count(end.identity) > 1]
    if duplicates:
        raise InvalidInput(
            f"one destination is given twice: {', '.join(map(repr, dict.fromkeys(duplicates)))}"
        )
    return Workflow(
        name,
        source,
        destinations,
        seconds_of(fields.get("interval", INTERVAL), "interval"),
        _parameters(fields, source, destinations),
        _webhook(fields.get("webhook")),
    )


def _parameters(
    fields: Fields, source: WorkflowEndpoint, destinations: tuple[WorkflowEndpoint, ...]
) -> dict[str, Any]:
    """Return the parameters of `sync`, without its endpoints; the defaults are those of ingest."""
    hints = get_type_hints(sync.fn)
    parameters: dict[str, Any] = {"allow_empty": True}
    if any(destination.marked for destination in destinations):
        parameters["strategy"] = Strategy.MARKER
    for key in SYNC_PARAMETERS:
        if key in fields:
            parameters[key] = _validate(hints[key], fields[key], key)
    if not source.recursive:
        parameters["exclude"] = [*(parameters.get("exclude") or []), "*/**"]
    clean_up = _validate(bool, fields.get("cleanUp", False), "cleanUp")
    parameters["clean_up"] = CleanUp.REMOVE if clean_up else CleanUp.KEEP
    if clean_up and parameters.get("mode") is Mode.MIRROR:
        raise InvalidInput("cleanUp empties the source: a mirror would then empty the destinations")
    size = _validate(int | None, fields.get("batchSize"), "batchSize")
    threads = _validate(int | None, fields.get("concurrency"), "concurrency")
    if size is not None or threads is not None:
        parameters["batches"] = _build(
            lambda: BatchSettings(files=size, threads=threads), "batchSize, concurrency"
        )
    return parameters


def _webhook(value: object) -> Webhook | str | None:
    """Return the webhook for a URL or a mapping of its fields, or the name of a stored one."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and NAME.match(value):
        return value
    fields = {"url": value} if isinstance(value, str) else value
    if not isinstance(fields, dict):
        raise InvalidInput(f"expected `webhook` to be a URL, a name or a mapping, found {value!r}")
    check_keys(fields, tuple(Webhook.model_fields), "webhook")
    webhook: Webhook = _validate(Webhook, fields, "webhook")
    return webhook


def _validate(hint: Any, value: object, key: str) -> Any:  # noqa: ANN401 - any type, and its value
    return _build(lambda: TypeAdapter(hint).validate_python(value, strict=hint is bool), key)


def _build(create: Callable[[], Any], key: str) -> Any:  # noqa: ANN401 - whatever is created
    try:
        return create()
    except ValidationError as error:
        raise InvalidInput(f"{key}: {describe_errors(error)}") from None


def _clean_up_conflicts(workflows: list[Workflow]) -> list[Skipped]:
    """Return the workflows that would remove files which another has not read yet."""
    conflicts: list[Skipped] = []
    for workflow in workflows:
        others = (
            other
            for other in workflows
            if other is not workflow and other.source.identity == workflow.source.identity
        )
        other = next(others, None)
        if workflow.cleans_up and other is not None:
            why = (
                f"cleanUp would remove files of {workflow.source.name!r} that the workflow "
                f"{other.name!r} reads too"
            )
            conflicts.append(Skipped(workflow.name, why))
    return conflicts
