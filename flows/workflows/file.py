"""A workflow file as one value: what is synced to where, how, and how often.

    from flows.workflows.file import read
    workflows = read(Path("nightly.yaml"), os.environ)

Nothing is asked of any storage, nor of Prefect: what a stored block's name leads to is not known.
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
from flows.workflows.endpoints import Role, WorkflowEndpoint, end_of, told
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
OURS = tuple(
    name for name in signature(sync.fn).parameters if name not in (*INGEST, "clean_up", "batches")
)
"""Parameters of `sync` that a workflow may give by their own names."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One line of work: `parameters` are those of `sync`, without its ends and webhook."""

    name: str
    source: WorkflowEndpoint
    destinations: tuple[WorkflowEndpoint, ...]
    interval_s: float  # 0: one round
    parameters: Mapping[str, Any]
    webhook: Webhook | str | None = None

    @property
    def cleans(self) -> bool:
        """Say whether it removes from its source what arrived."""
        return self.parameters["clean_up"] is CleanUp.REMOVE


@dataclass(frozen=True, slots=True)
class Skipped:
    """A workflow that cannot be, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        """Return one line."""
        return f"workflow {self.name!r}: {self.why}"


@dataclass(frozen=True, slots=True)
class Workflows:
    """All that a file says, under its name; `unused` are ends that no workflow names."""

    name: str
    workflows: tuple[Workflow, ...]
    skipped: tuple[Skipped, ...] = ()
    unused: tuple[str, ...] = ()

    def ends(self) -> tuple[WorkflowEndpoint, ...]:
        """Return every end that is used, once."""
        used = [end for one in self.workflows for end in (one.source, *one.destinations)]
        return tuple({(end.role, end.name): end for end in used}.values())


def read(path: Path, variables: Mapping[str, str], *, strict: bool = True) -> Workflows:
    """Read a file.

    Raises:
        InvalidInput: it cannot be read or used; every line of the error begins with its name.
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


def build_workflows(parts: WorkflowSections, *, strict: bool = True) -> Workflows:
    """Return what the parts of a file mean; a workflow that cannot be is skipped unless `strict`.

    Raises:
        InvalidInput: under `strict`, every workflow that cannot be, a line each.
    """
    ends = _Ends(parts)
    made: dict[str, Workflow] = {}
    skipped: list[Skipped] = []
    for name, fields in parts.workflows.items():
        try:
            made[name] = _workflow(name, fields, ends)
        except InvalidInput as error:
            skipped.append(Skipped(name, str(error)))
    for one in _taking_from_others(list(made.values())):
        del made[one.name]
        skipped.append(one)
    if strict and skipped:
        raise InvalidInput("\n".join(map(str, skipped)))
    return Workflows(parts.name, tuple(made.values()), tuple(skipped), ends.unused())


class _Ends:
    """The ends of a file, each understood when it is first used, and once."""

    def __init__(self, parts: WorkflowSections) -> None:
        self._given = {Role.SOURCE: parts.sources, Role.DESTINATION: parts.destinations}
        self._made: dict[tuple[Role, str], WorkflowEndpoint] = {}
        self._used: set[tuple[Role, str]] = set()

    def get(self, role: Role, name: object) -> WorkflowEndpoint:
        """Return one; an error where there is none, or it cannot be."""
        if not isinstance(name, str) or name not in self._given[role]:
            known = ", ".join(self._given[role]) or "none"
            raise InvalidInput(f"there is no {role.value} {name!r}; known: {known}")
        key = (role, name)
        self._used.add(key)
        if key not in self._made:
            self._made[key] = end_of(name, role, self._given[role][name])
        return self._made[key]

    def unused(self) -> tuple[str, ...]:
        """Return those that nobody asked for."""
        return tuple(
            f"{role.value} {name!r}"
            for role, given in self._given.items()
            for name in given
            if (role, name) not in self._used
        )


def _workflow(name: str, fields: Fields, ends: _Ends) -> Workflow:
    check_keys(fields, (*INGEST, *OURS), "keys")
    source = ends.get(Role.SOURCE, fields.get("source"))
    names = fields.get("destinations")
    if not isinstance(names, list) or not names:
        raise InvalidInput(f"`destinations` is to be a list of names, found {names!r}")
    destinations = tuple(ends.get(Role.DESTINATION, one) for one in names)
    seen = [one.identity for one in destinations]
    twice = [one.name for one in destinations if seen.count(one.identity) > 1]
    if twice:
        raise InvalidInput(
            f"one destination is given twice: {', '.join(map(repr, dict.fromkeys(twice)))}"
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
    """Return what `sync` is called with, beside its ends: what is not given is as in ingest."""
    hints = get_type_hints(sync.fn)
    given: dict[str, Any] = {"allow_empty": True}
    if any(one.marked for one in destinations):
        given["strategy"] = Strategy.MARKER
    for key in OURS:
        if key in fields:
            given[key] = _valid(hints[key], fields[key], key)
    if not source.deep:
        given["exclude"] = [*(given.get("exclude") or []), "*/**"]
    clean = _valid(bool, fields.get("cleanUp", False), "cleanUp")
    given["clean_up"] = CleanUp.REMOVE if clean else CleanUp.KEEP
    if clean and given.get("mode") is Mode.MIRROR:
        raise InvalidInput("cleanUp empties the source: a mirror would then empty the destinations")
    size = _valid(int | None, fields.get("batchSize"), "batchSize")
    threads = _valid(int | None, fields.get("concurrency"), "concurrency")
    if size is not None or threads is not None:
        given["batches"] = _told(
            lambda: BatchSettings(files=size, threads=threads), "batchSize, concurrency"
        )
    return given


def _webhook(given: object) -> Webhook | str | None:
    """Return a webhook of a URL or a table of its fields, or a stored one's name."""
    if given is None or given == "":
        return None
    if isinstance(given, str) and NAME.match(given):
        return given
    fields = {"url": given} if isinstance(given, str) else given
    if not isinstance(fields, dict):
        raise InvalidInput(f"`webhook` is a URL, a name or keys with values, found {given!r}")
    check_keys(fields, tuple(Webhook.model_fields), "webhook")
    made: Webhook = _valid(Webhook, fields, "webhook")
    return made


def _valid(hint: Any, value: object, key: str) -> Any:  # noqa: ANN401 - any type, and its value
    return _told(lambda: TypeAdapter(hint).validate_python(value, strict=hint is bool), key)


def _told(make: Callable[[], Any], key: str) -> Any:  # noqa: ANN401 - whatever is made
    try:
        return make()
    except ValidationError as error:
        raise InvalidInput(f"{key}: {told(error)}") from None


def _taking_from_others(every: list[Workflow]) -> list[Skipped]:
    """Return the workflows that would remove from a source what another has not read yet."""
    return [
        Skipped(
            one.name,
            f"cleanUp would take files of {one.source.name!r} away from the workflow "
            f"{other.name!r}, which reads them too",
        )
        for one in every
        if one.cleans
        for other in [
            two for two in every if two is not one and two.source.identity == one.source.identity
        ][:1]
    ]
