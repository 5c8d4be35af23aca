"""Commands made from flows: one signature for the form, the notebook and the command line.

`cli.verbs.sync` is a function with the parameters of the flow `sync`, made when it is first asked
for. A repository is given by its block's name, a path or a URL; everything else as in the flow.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from cyclopts import Parameter

from cli.output import PLAIN, Output
from cli.quiet import load_quietly
from cli.table import VERBS

OUTPUT = inspect.Parameter(
    "output",
    inspect.Parameter.KEYWORD_ONLY,
    default=PLAIN,
    annotation=Annotated[Output, Parameter(group="Output")],
)


def __getattr__(name: str) -> Callable[..., None]:
    """Make the command of a flow when cyclopts asks for it."""
    for command in VERBS:
        if command.place.rpartition(":")[2] == name:
            return command_of(command.place)
    raise AttributeError(name)


def command_of(place: str) -> Callable[..., None]:
    """Return a function with the signature of the flow at `module:attribute`, and `output`."""
    load_quietly()
    module, _, attribute = place.rpartition(":")
    flow = getattr(import_module(module), attribute)
    signature = typed_by_hand(flow.fn)

    def command(*args: Any, output: Output = PLAIN, **kwargs: Any) -> None:  # noqa: ANN401 - any flow's
        from cli.carry_out import carry_out  # noqa: PLC0415 - it loads the flows

        carry_out(flow, args, kwargs, output)

    command.__name__ = attribute
    command.__doc__ = flow.fn.__doc__
    parameters = [*signature.parameters.values(), OUTPUT]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=None
    )
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def typed_by_hand(function: Callable[..., object]) -> inspect.Signature:
    """Return a function's signature as it is on a command line, where everything is text."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[
            one.replace(annotation=_without_blocks(hints[one.name]))
            for one in signature.parameters.values()
        ]
    )


def _without_blocks(hint: Any) -> Any:  # noqa: ANN401 - types as values
    """Leave out of every union that takes text what only a program can give."""
    origin, given = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kept = tuple(one for one in given if one in (str, type(None))) if str in given else given
        kept = tuple(one for one in given if one is int or one in kept)
        return Union[tuple(_without_blocks(one) for one in kept)]  # noqa: UP007 - made of a tuple
    if origin is list:
        return list[_without_blocks(given[0])]  # type: ignore[misc]
    return hint
