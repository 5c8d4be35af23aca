"""Tasks of a run: `@task(name)`, many at once with `submit_each`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mode import uses_prefect

if TYPE_CHECKING or uses_prefect():
    from orchestration.with_prefect.task import Future, submit_each, task, wait_for
else:
    from orchestration.without_prefect.task import Future, submit_each, task, wait_for

__all__ = ["Future", "submit_each", "task", "wait_for"]
