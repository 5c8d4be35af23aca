"""Tasks as Prefect tasks: never cached, results never stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from prefect import task as prefect_task
from prefect import unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, wait
from prefect.tasks import Task

Future = PrefectFuture

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")


def task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function; its runs get the `name`, with parameters in braces."""
    return prefect_task(task_run_name=name, cache_policy=NO_CACHE, persist_result=False)


def submit_each(
    function: Task[Concatenate[A, P], R],
    values: Sequence[A],
    **same: Any,  # noqa: ANN401 - the function's other arguments
) -> list[PrefectFuture[R]]:
    """Start a task run for each value, with the `same` other arguments."""
    others: dict[str, Any] = {name: unmapped(value) for name, value in same.items()}
    return [*function.map(values, **others)] if values else []


def wait_for(futures: Sequence[PrefectFuture[Any]], timeout_s: float | None = None) -> bool:
    """Wait for the futures; say whether all are done."""
    return not wait([*futures], timeout=timeout_s).not_done
