"""Tasks as plain functions; several run in the threads of a small pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from orchestration.verb_settings import BATCHES_AT_ONCE

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")


def task(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:  # noqa: ARG001 - of task runs
    """Return functions as they are."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return function

    return decorate


def submit_each(
    function: Callable[Concatenate[A, P], R],
    values: Sequence[A],
    **same: Any,  # noqa: ANN401 - the function's other arguments
) -> list[Future[R]]:
    """Call the function for each value in a few threads, with the `same` other arguments."""
    if not values:
        return []
    pool = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="entrepot-batch")
    try:
        calls = (partial(function, value, **same) for value in values)
        return [pool.submit(copy_context().run, call) for call in calls]
    finally:
        pool.shutdown(wait=False)


def wait_for(futures: Sequence[Future[Any]], timeout_s: float | None = None) -> bool:
    """Wait for the futures; say whether all are done."""
    return not wait(futures, timeout=timeout_s).not_done
