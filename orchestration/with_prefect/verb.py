"""A verb: a Prefect flow that can be called directly like a function.

When it is called from a script or a notebook, it starts Prefect's temporary server if there is no
other and says so, and does not wait for the heartbeat's thread at the end, which takes up to a
second. In a worker it is a plain flow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from copy import copy
from typing import Any, ParamSpec, Self, TypeVar

from prefect import Flow
from prefect.context import FlowRunContext, SettingsContext, get_settings_context
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic_core import PydanticSerializationError, to_jsonable_python

from catalog.errors import CatalogError
from orchestration.verb_settings import BATCHES_AT_ONCE, Prepare, unchanged
from orchestration.with_prefect.local_server import ensure_server

P = ParamSpec("P")
R = TypeVar("R")


class Verb(Flow[P, R]):
    """A flow that prepares its arguments, and Prefect when it is called directly."""

    prepare: Prepare = staticmethod(unchanged)

    @classmethod
    def create(
        cls, function: Callable[P, R], name: str, run_name: Callable[[], str], prepare: Prepare
    ) -> Self:
        """Create a verb from a function: never cached or persisted, with few workers."""
        made = cls(
            function,
            name=name,
            flow_run_name=run_name,
            task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type]
            persist_result=False,
        )
        made.prepare = prepare
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Flow's own overloads
        """Run the flow and return its result."""
        args, kwargs = self.prepare(args, kwargs)
        if FlowRunContext.get() is not None:
            return super().__call__(*args, **kwargs)
        ensure_server()
        with without_heartbeat():
            return super().__call__(*args, **kwargs)

    def with_options(self, *args: Any, **kwargs: Any) -> Verb[P, R]:  # noqa: ANN401 - as Flow's own
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


def without_heartbeat() -> SettingsContext:
    """Return settings without the heartbeat, for which a flow's end waits up to a second.

    The settings are copied: Prefect's `temporary_settings` would read every setting again, and its
    validation does not allow None.
    """
    context = get_settings_context()
    flows = context.settings.flows.model_copy(update={"heartbeat_frequency": None})
    settings = context.settings.model_copy(update={"flows": flows})
    return SettingsContext(profile=context.profile, settings=settings)


def without_traceback(record: logging.LogRecord) -> bool:
    """Log this project's errors without a stack trace, which would not help."""
    if record.exc_info and isinstance(record.exc_info[1], CatalogError):
        record.exc_info = None
        record.exc_text = None
    return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(without_traceback)
