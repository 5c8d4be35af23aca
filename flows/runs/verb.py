"""A verb: a Prefect flow that is pleasant to call directly.

Called from a script or a notebook it refuses secrets in addresses before a run exists, starts
Prefect's temporary server where there is no other and says so, and does not wait a second for
the heartbeat's thread at its end. Run by a worker it is a plain flow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, ParamSpec, TypeVar

from prefect import Flow
from prefect.context import FlowRunContext, SettingsContext, get_settings_context
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic_core import PydanticSerializationError, to_jsonable_python

from blocks.local_server import ensure_server
from blocks.resolve import repository
from catalog.errors import CatalogError
from providers.registry import registered_providers, scheme_of
from providers.shared.url import parse_url

P = ParamSpec("P")
R = TypeVar("R")

BATCHES_AT_ONCE = 2  # batches in flight in one process; each has threads of its own


class Verb(Flow[P, R]):
    """A flow whose direct call prepares what Prefect needs."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Flow's own overloads
        """Run the flow and return its result."""
        refuse_secrets([*args, *kwargs.values()])
        args = tuple(_resolved(one) for one in args)
        kwargs = {name: _resolved(one) for name, one in kwargs.items()}
        if FlowRunContext.get() is not None:
            return super().__call__(*args, **kwargs)
        ensure_server()
        with without_heartbeat():
            return super().__call__(*args, **kwargs)

    def with_options(self, *args: Any, **kwargs: Any) -> Verb[P, R]:  # noqa: ANN401 - as Flow's own
        """Return the same verb with other options of Prefect's."""
        changed = copy(self)
        changed.__dict__.update(super().with_options(*args, **kwargs).__dict__)
        return changed

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters as JSON for Prefect to show; secrets are asterisks.

        Prefect's own does the same with FastAPI's encoder, whose import costs 0.15 s.
        """
        try:
            return {name: to_jsonable_python(value) for name, value in parameters.items()}
        except PydanticSerializationError:  # a future, or a value that only Prefect can name
            return super().serialize_parameters(parameters)

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the flow in a thread and await the same result that a call returns."""
        result: R = await asyncio.to_thread(self, *args, **kwargs)
        return result


def _resolved(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """Return what a direct call was given, each mapping with a provider's `type` as a repository.

    A form has no such mappings: there a repository is picked or named.
    """
    if isinstance(value, list):
        return [_resolved(one) for one in value]
    if isinstance(value, Mapping) and value.get("type") in registered_providers():
        return repository(value)
    return value


def verb(name: str, run_name: Callable[[], str]) -> Callable[[Callable[P, R]], Verb[P, R]]:
    """Make a verb out of a function: never cached, never persisted, bounded workers."""

    def decorate(function: Callable[P, R]) -> Verb[P, R]:
        return Verb(
            function,
            name=name,
            flow_run_name=run_name,
            task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type]
            persist_result=False,
        )

    return decorate


def without_heartbeat() -> SettingsContext:
    """Return settings in which a flow's end does not wait up to a second for its heartbeat.

    A copy: Prefect's own `temporary_settings` reads every setting anew, and only there may the
    frequency be None.
    """
    context = get_settings_context()
    flows = context.settings.flows.model_copy(update={"heartbeat_frequency": None})
    settings = context.settings.model_copy(update={"flows": flows})
    return SettingsContext(profile=context.profile, settings=settings)


def refuse_secrets(values: list[object]) -> None:
    """Raise `SecretInUrl` where an address among `values` holds a password."""
    for value in values:
        if isinstance(value, str) and scheme_of(value) is not None:
            parse_url(value)
        elif isinstance(value, list | tuple):
            refuse_secrets(list(value))
        elif isinstance(value, Mapping):
            refuse_secrets(list(value.values()))


def without_traceback(record: logging.LogRecord) -> bool:
    """Let an error of ours be logged as its one line: the stack says nothing that helps."""
    if record.exc_info and isinstance(record.exc_info[1], CatalogError):
        record.exc_info = None
        record.exc_text = None
    return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(without_traceback)
