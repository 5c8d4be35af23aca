"""Commands generated from flows: one signature for the form, the notebook and the command line.

`cli.flows.commands.sync` is a function with the parameters of the flow `sync`, created when it is
first accessed. `cli.flows.parameters` says how parameters that are not plain text are typed.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

from cyclopts import Parameter

from catalog.errors import InvalidInput
from cli.command_list import VERBS, Command
from cli.flows.mode import load_for_verb, needs_prefect, restart_with_prefect
from cli.flows.parameters import command_signature, parse_json_arguments
from cli.terminal.exit_codes import ExitCode
from cli.terminal.output import PLAIN, Output, show_error
from orchestration.errors import PrefectNeeded
from orchestration.mode import uses_prefect

OUTPUT = inspect.Parameter(
    "output",
    inspect.Parameter.KEYWORD_ONLY,
    default=PLAIN,
    annotation=Annotated[Output, Parameter(group="Output")],
)


def __getattr__(name: str) -> Callable[..., None]:
    """Create the command of a flow when cyclopts accesses it."""
    for command in VERBS:
        if command.place.rpartition(":")[2] == name:
            return create_command(command)
    raise AttributeError(name)


def create_command(listed: Command) -> Callable[..., None]:
    """Return a function with the signature of the command's flow, and `output`."""
    try:
        load_for_verb(listed.blocks)
    except PrefectNeeded as error:
        show_error(error, PLAIN)
        sys.exit(ExitCode.USAGE)
    module, _, attribute = listed.place.rpartition(":")
    flow = getattr(import_module(module), attribute)
    signature = command_signature(flow.fn)

    def command(*args: Any, output: Output = PLAIN, **kwargs: Any) -> None:  # noqa: ANN401 - any flow's
        from cli.flows.run import run_flow  # noqa: PLC0415 - it loads the flows

        arguments = signature.bind(*args, **kwargs).arguments
        try:
            parameters = parse_json_arguments(flow.fn, arguments)
        except InvalidInput as error:
            show_error(error, output)
            sys.exit(ExitCode.USAGE)
        if not uses_prefect() and needs_prefect(listed.blocks, parameters):
            restart_with_prefect()
        run_flow(flow, parameters, output)

    command.__name__ = attribute
    command.__doc__ = flow.fn.__doc__
    parameters = [*signature.parameters.values(), OUTPUT]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=None
    )
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
