"""A verb: a function whose arguments are validated as Prefect validates those of a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from typing import Any, Generic, ParamSpec, Self, TypeVar

from pydantic import ConfigDict, ValidationError, validate_call

from orchestration.errors import InvalidArguments
from orchestration.verb_settings import Prepare

P = ParamSpec("P")
R = TypeVar("R")


class Verb(Generic[P, R]):
    """A function that checks its arguments, and runs in this process."""

    def __init__(self, fn: Callable[P, R], name: str, prepare: Prepare) -> None:
        """Make a verb of a function."""
        self.fn = fn
        self.name = name
        self.prepare = prepare
        self.__doc__ = fn.__doc__
        self.__module__ = fn.__module__
        self._validated: Callable[..., R] | None = None

    @classmethod
    def create(
        cls,
        function: Callable[P, R],
        name: str,
        run_name: Callable[[], str],  # noqa: ARG003 - only Prefect names runs
        prepare: Prepare,
    ) -> Self:
        """Create a verb from a function."""
        return cls(function, name, prepare)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function and return its result.

        Raises:
            InvalidArguments: the arguments do not fit the function's parameters.
        """
        prepared, named = self.prepare(args, kwargs)
        if self._validated is None:  # once, since the model of the parameters takes milliseconds
            self._validated = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(
                self.fn
            )
        try:
            return self._validated(*prepared, **named)
        except ValidationError as error:
            if error.title != self.fn.__name__:  # of a value inside, not of the arguments
                raise
            problems = (
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise InvalidArguments(f"{self.name}: {'; '.join(problems)}") from error

    def with_options(self, *, name: str | None = None, **_: Any) -> Verb[P, R]:  # noqa: ANN401
        """Return the same verb under another name; other options are Prefect's."""
        changed = copy(self)
        changed.name = name or self.name
        return changed

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function in a thread and return its result."""
        return await asyncio.to_thread(self, *args, **kwargs)
