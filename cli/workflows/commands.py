"""`entrepot workflows`: check a workflow file, deploy its workflows, or run them here."""

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
from catalog.formats.quantities import format_duration
from catalog.model.run import skipped_run
from catalog.settings import Settings
from cli.command_list import BlockUse
from cli.flows.mode import load_directly, load_for_verb, needs_prefect, restart_with_prefect
from cli.setup.command import require_server
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.output import PLAIN, Output, OutputOptions, show, show_error
from cli.terminal.quiet_prefect import load_quietly
from cli.terminal.table import Table
from orchestration.mode import uses_prefect

if TYPE_CHECKING:
    from cli.setup.report import SetupReport
    from flows.workflows.file import Workflows

Flag = Annotated[bool, Parameter(negative="")]

app = App(
    name="workflows",
    help="Check, apply or run a workflow file.",
    help_format="plaintext",
)


@app.command
def check(file: Path, *, strict: bool = True, output: OutputOptions = PLAIN) -> None:
    """Check a workflow file and show its workflows, without contacting any storage or server.

    Exits with 1 if it cannot be used.

    Args:
        file: The workflow file.
        strict: Fail if a workflow is invalid; otherwise it is skipped and named.
        output: Output format.
    """
    load_directly()
    try:
        workflows = _read(file, strict=strict)
    except InvalidInput as error:
        show_error(error, output)
        sys.exit(ExitCode.FAILED)
    _report_skipped(workflows)
    show(_workflow_table(workflows), output)


@app.command
def apply(
    file: Path, *, prune: Flag = False, strict: bool = True, output: OutputOptions = PLAIN
) -> None:
    """Store the repositories and webhooks of a file, and deploy a `sync` for each workflow.

    Args:
        file: The workflow file.
        prune: Remove what an earlier apply created and the file no longer names.
        strict: Fail if a workflow is invalid; otherwise it is skipped and named.
        output: Output format.
    """
    show(_apply(file, strict=strict, prune=prune, dry=False, output=output), output)


@app.command
def diff(
    file: Path,
    *,
    prune: Flag = False,
    exit_code: Flag = False,
    strict: bool = True,
    output: OutputOptions = PLAIN,
) -> None:
    """Show what `apply` would change, without changing anything.

    Args:
        file: The workflow file.
        prune: Include what `apply --prune` would remove.
        exit_code: Exit with 1 if there is something to change.
        strict: Fail if a workflow is invalid; otherwise it is skipped and named.
        output: Output format.
    """
    report = _apply(file, strict=strict, prune=prune, dry=True, output=output)
    show(report, output)
    if exit_code and report.changes:
        sys.exit(ExitCode.FAILED)


@app.command
def run(
    file: Path, *, once: Flag = False, strict: bool = True, output: OutputOptions = PLAIN
) -> None:
    """Run every workflow of a file in this process, again and again at its interval.

    A workflow with the interval 0 runs once. The process ends when all workflows have ended, and
    exits with 1 if the last round of one failed.

    Args:
        file: The workflow file.
        once: Run each workflow once, whatever its interval.
        strict: Fail if a workflow is invalid; otherwise it is skipped and named.
        output: Output format.
    """
    load_for_verb(BlockUse.NAMED)
    from cli.workflows.local_runs import run_all  # noqa: PLC0415 - it loads the flows

    with _exit_on_error(output):
        workflows = _read(file, strict=strict)
        if not uses_prefect() and needs_prefect(BlockUse.NAMED, {"places": _places(workflows)}):
            restart_with_prefect()
        _report_skipped(workflows)
        _record_skipped(workflows)
        code = run_all(workflows.workflows, once=once, output=output)
    sys.exit(code)


def _apply(file: Path, *, strict: bool, prune: bool, dry: bool, output: Output) -> SetupReport:
    load_quietly()
    from prefect import get_client  # noqa: PLC0415 - it takes two seconds

    from cli.setup.report import SetupReport  # noqa: PLC0415 - it loads the flows
    from cli.workflows.apply_workflows import apply_changes, plan_changes  # noqa: PLC0415 - the same

    with _exit_on_error(output):
        workflows = _read(file, strict=strict)
        require_server()
        _report_skipped(workflows)
        with get_client(sync_client=True) as client:
            changes = plan_changes(client, workflows, prune=prune)
            if not dry:
                _record_skipped(workflows)
            return SetupReport.of(apply_changes(client, changes, dry=dry), dry=dry)


@contextmanager
def _exit_on_error(output: Output) -> Generator[None]:
    """Print an error and exit with its code."""
    from cli.flows.server import API_ERRORS, explain  # noqa: PLC0415 - it may load Prefect

    try:
        yield
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except API_ERRORS as error:
        code, told = explain(error)
        show_error(told, output)
        sys.exit(code)


def _read(file: Path, *, strict: bool) -> Workflows:
    from flows.workflows.file import read  # noqa: PLC0415 - it loads Prefect

    return read(file, os.environ, strict=strict)


def _places(workflows: Workflows) -> list[object]:
    """Return what the workflows name: repositories, and the names of blocks."""
    return [
        place
        for workflow in workflows.workflows
        for place in (
            workflow.source.place,
            *(destination.place for destination in workflow.destinations),
            workflow.webhook,
        )
    ]


def _report_skipped(workflows: Workflows) -> None:
    for skipped in workflows.skipped:
        sys.stderr.write(f"entrepot: skipped: {skipped}\n")


def _record_skipped(workflows: Workflows) -> None:
    """Record skipped workflows in the catalog, for the metrics."""
    if workflows.skipped:
        catalog = Catalog.open(Settings())
        for skipped in workflows.skipped:
            catalog.runs.start(skipped_run(skipped.name, workflows.name))


def _workflow_table(workflows: Workflows) -> Table:
    columns = ("workflow", "source", "destinations", "interval", "webhook")
    rows = [
        (
            workflow.name,
            workflow.source.identity,
            tuple(destination.identity for destination in workflow.destinations),
            format_duration(workflow.interval_s) if workflow.interval_s else "once",
            _webhook_label(workflow.webhook),
        )
        for workflow in workflows.workflows
    ]
    notes = tuple(f"unused: {name}" for name in workflows.unused)
    return Table(columns, rows, columns, empty="no workflows", notes=notes)


def _webhook_label(webhook: object) -> str:
    from blocks.webhook import Webhook  # noqa: PLC0415 - it loads Prefect

    if isinstance(webhook, Webhook):
        return webhook.receiver().label
    return str(webhook or "")
