"""`entrepot workflows`: check a workflow file, make its deployments, or run it here."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from catalog.catalog import Catalog
from catalog.errors import CatalogError, InvalidInput
from catalog.model.run import skipped_run
from catalog.settings import Settings
from cli.setup.command import lasting_server
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.output import PLAIN, Output, show, show_error
from cli.terminal.prefect_loading import load_quietly
from cli.terminal.table import Table

if TYPE_CHECKING:
    from cli.setup.steps import SetupReport
    from flows.workflows.file import Workflows

Given = Annotated[Output, Parameter(group="Output")]
Flag = Annotated[bool, Parameter(negative="")]

app = App(
    name="workflows",
    help="Check, apply or run a workflow file: sources, destinations, and what goes where.",
    help_format="plaintext",
)


@app.command
def check(file: Path, *, strict: bool = True, output: Given = PLAIN) -> None:
    """Say what a workflow file means; ask no storage and no server.

    Exits with 1 where it cannot be used.

    Args:
        file: The workflow file.
        strict: Let one workflow that cannot be stop all; else it is skipped and named.
        output: How to print.
    """
    load_quietly()
    try:
        found = _read(file, strict=strict)
    except InvalidInput as error:
        show_error(error, output)
        sys.exit(ExitCode.FAILED)
    _name_skipped(found)
    show(_answer(found), output)


@app.command
def apply(file: Path, *, prune: Flag = False, strict: bool = True, output: Given = PLAIN) -> None:
    """Store a file's repositories and webhooks, and deploy a `sync` for each of its workflows.

    Args:
        file: The workflow file.
        prune: Remove what an earlier apply of this file made and it does not name any more.
        strict: Let one workflow that cannot be stop all; else it is skipped and named.
        output: How to print.
    """
    show(_set_up(file, strict=strict, prune=prune, dry=False, output=output), output)


@app.command
def diff(
    file: Path,
    *,
    prune: Flag = False,
    exit_code: Flag = False,
    strict: bool = True,
    output: Given = PLAIN,
) -> None:
    """Say what `apply` would change, and change nothing.

    Args:
        file: The workflow file.
        prune: As `apply --prune` would.
        exit_code: Exit with 1 where there is something to change.
        strict: Let one workflow that cannot be stop all; else it is skipped and named.
        output: How to print.
    """
    told = _set_up(file, strict=strict, prune=prune, dry=True, output=output)
    show(told, output)
    if exit_code and told.changes:
        sys.exit(ExitCode.FAILED)


@app.command
def run(file: Path, *, once: Flag = False, strict: bool = True, output: Given = PLAIN) -> None:
    """Run every workflow of a file in this process: a round, its interval, the next round.

    A workflow with the interval 0 ends after one round, and the process when all have ended; it
    exits with 1 where the last round of one failed.

    Args:
        file: The workflow file.
        once: One round of each, whatever its interval.
        strict: Let one workflow that cannot be stop all; else it is skipped and named.
        output: How to print.
    """
    load_quietly()
    from cli.workflows.local_runs import run_all  # noqa: PLC0415 - it loads the flows

    with _told(output):
        found = _read(file, strict=strict)
        _name_skipped(found)
        _record_skipped(found)
        ended = run_all(found.workflows, once=once, output=output)
    sys.exit(ended)


def _set_up(file: Path, *, strict: bool, prune: bool, dry: bool, output: Output) -> SetupReport:
    load_quietly()
    from prefect import get_client  # noqa: PLC0415 - it takes two seconds

    from cli.setup.steps import SetupReport  # noqa: PLC0415 - it loads the flows
    from cli.workflows.flow_deployments import apply_changes, changes  # noqa: PLC0415 - the same

    with _told(output):
        found = _read(file, strict=strict)
        lasting_server()
        _name_skipped(found)
        with get_client(sync_client=True) as client:
            wanted = changes(client, found, prune=prune)
            if not dry:
                _record_skipped(found)
            return SetupReport.of(apply_changes(client, wanted, dry=dry), dry=dry)


@contextmanager
def _told(output: Output) -> Generator[None]:
    """Print what goes wrong as one line, and end with its exit code."""
    import httpx  # noqa: PLC0415 - Prefect's
    from prefect.exceptions import PrefectException  # noqa: PLC0415 - it takes two seconds

    try:
        yield
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except (httpx.HTTPError, PrefectException) as error:
        show_error(PrefectException(f"Prefect's API could not be asked: {error}"), output)
        sys.exit(ExitCode.UNREACHABLE)


def _read(file: Path, *, strict: bool) -> Workflows:
    from flows.workflows.file import read  # noqa: PLC0415 - it loads Prefect

    return read(file, os.environ, strict=strict)


def _name_skipped(found: Workflows) -> None:
    for one in found.skipped:
        sys.stderr.write(f"entrepot: skipped: {one}\n")


def _record_skipped(found: Workflows) -> None:
    """Write down what was skipped, where metrics see it."""
    if found.skipped:
        catalog = Catalog.open(Settings())
        for one in found.skipped:
            catalog.runs.start(skipped_run(one.name, found.name))


def _answer(found: Workflows) -> Table:
    columns = ("workflow", "source", "destinations", "interval", "webhook")
    rows = [
        (
            one.name,
            one.source.identity,
            tuple(end.identity for end in one.destinations),
            f"{one.interval_s:g} s" if one.interval_s else "one round",
            _named(one.webhook),
        )
        for one in found.workflows
    ]
    rest = tuple(f"unused: {one}" for one in found.unused)
    return Table(columns, rows, words=columns, empty="no workflow", rest=rest)


def _named(webhook: object) -> str:
    from blocks.webhook import Webhook  # noqa: PLC0415 - it loads Prefect

    if isinstance(webhook, Webhook):
        return webhook.receiver().label
    return str(webhook or "")
