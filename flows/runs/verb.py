"""A verb: a Prefect flow that can be called directly like a function.

When it is called from a script or a notebook, it refuses secrets in addresses before a run exists,
starts Prefect's temporary server if there is no other and says so, and does not wait for the
heartbeat's thread at the end, which takes up to a second. In a worker it is a plain flow.
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


class DirectFlow(Flow[P, R]):
    """A flow that prepares Prefect when it is called directly."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Flow's own overloads
        """Run the flow and return its result."""
        refuse_secrets([*args, *kwargs.values()])
        args = tuple(map(_resolve_mappings, args))
        kwargs = {name: _resolve_mappings(value) for name, value in kwargs.items()}
        if FlowRunContext.get() is not None:
            return super().__call__(*args, **kwargs)
        ensure_server()
        with without_heartbeat():
            return super().__call__(*args, **kwargs)

    def with_options(self, *args: Any, **kwargs: Any) -> DirectFlow[P, R]:  # noqa: ANN401 - as Flow's own
        """Return the same verb with other Prefect options."""
        changed = copy(self)
        changed.__dict__.update(super().with_options(*args, **kwargs).__dict__)
        return changed

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters as JSON for Prefect to show, with secrets as asterisks.

        Prefect's own method does the same with FastAPI's encoder, whose import takes 0.15 s.
        """
        try:
            return {name: to_jsonable_python(value) for name, value in parameters.items()}
        except PydanticSerializationError:  # a future, or another value that only Prefect handles
            return super().serialize_parameters(parameters)

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the flow in a thread and return its result."""
        result: R = await asyncio.to_thread(self, *args, **kwargs)
        return result


def _resolve_mappings(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """Replace each mapping that has a provider's `type` by a repository.

    Only direct calls have such mappings; in a form a repository is picked or named.
    """
    if isinstance(value, list):
        return [_resolve_mappings(item) for item in value]
    if isinstance(value, Mapping) and value.get("type") in registered_providers():
        return repository(value)
    return value


def verb(name: str, run_name: Callable[[], str]) -> Callable[[Callable[P, R]], DirectFlow[P, R]]:
    """Create a verb from a function: never cached or persisted, with few workers."""

    def decorate(function: Callable[P, R]) -> DirectFlow[P, R]:
        return DirectFlow(
            function,
            name=name,
            flow_run_name=run_name,
            task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type]
            persist_result=False,
        )

    return decorate


def without_heartbeat() -> SettingsContext:
    """Return settings without the heartbeat, for which a flow's end waits up to a second.

    The settings are copied: Prefect's `temporary_settings` would read every setting again, and its
    validation does not allow None.
    """
    context = get_settings_context()
    flows = context.settings.flows.model_copy(update={"heartbeat_frequency": None})
    settings = context.settings.model_copy(update={"flows": flows})
    return SettingsContext(profile=context.profile, settings=settings)


def refuse_secrets(values: list[object]) -> None:
    """Raise `SecretInUrl` if an address among `values` contains a password."""
    for value in values:
        if isinstance(value, str) and scheme_of(value) is not None:
            parse_url(value)
        elif isinstance(value, list | tuple):
            refuse_secrets(list(value))
        elif isinstance(value, Mapping):
            refuse_secrets(list(value.values()))


def without_traceback(record: logging.LogRecord) -> bool:
    """Log this project's errors without a stack trace, which would not help."""
    if record.exc_info and isinstance(record.exc_info[1], CatalogError):
        record.exc_info = None
        record.exc_text = None
    return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(without_traceback)
