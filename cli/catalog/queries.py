"""Queries of the catalog: they start no run and change nothing."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import Annotated

import duckdb
from cyclopts import Parameter

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded
from catalog.formats.quantities import format_bytes
from catalog.glob import globs_to_regex
from catalog.model.diff import Change, DiffRow
from catalog.model.outcome import Status
from catalog.model.version import ContentRow
from cli.catalog.address import address_of
from cli.resources.commands import LOCAL, REPOSITORIES, ListOptions, Where, list_resources
from cli.terminal.output import PLAIN, OutputOptions, open_catalog, show, show_lines
from cli.terminal.table import Table, format_time, time_of

Limit = Annotated[int, Parameter(alias="-n")]
SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.REPLACED: "~"}


def ls(
    repository: str | None = None,
    glob: str = "**",
    *,
    version: int | None = None,
    at: datetime | None = None,
    listed: Annotated[ListOptions, Parameter(group="Resources")] = REPOSITORIES,
    where: Where = LOCAL,
    output: OutputOptions = PLAIN,
) -> None:
    """List the repositories in the catalog, or the files of a version of one.

    With --resources, list resources instead: those whose names begin with the given text.

    Args:
        repository: A block's name, a path or a URL; without it, all repositories are listed. With
            --resources, the beginning of their names.
        glob: Glob of the paths to list.
        version: The version's number; by default the latest.
        at: A time (UTC unless it has a zone); lists the version that was the latest then.
        listed: Which resources to list.
        where: Where the resources are.
        output: Output format.
    """
    if listed.resources:
        list_resources(repository or "", listed, where, output)
        return
    with open_catalog(output) as catalog:
        if repository is None:
            show(_repositories(catalog), output)
            return
        chosen = catalog.versions.choose(address_of(repository), version, at)
        pattern = re.compile(globs_to_regex([glob]))
        rows = catalog.versions.content(chosen.address, chosen.number)
        show_lines((row for row in rows if pattern.fullmatch(row.path)), _content_line, output)


def versions(repository: str, *, output: OutputOptions = PLAIN) -> None:
    """List the versions of a repository, oldest first.

    Args:
        repository: A block's name, a path or a URL.
        output: Output format.
    """
    columns = ("version", "created", "added", "replaced", "removed", "files", "bytes", "labels")
    with open_catalog(output) as catalog:
        rows = [
            (
                version.number,
                version.created_at,
                version.added,
                version.replaced,
                version.removed,
                version.total,
                version.bytes,
                tuple(f"{key}={value}" for key, value in version.labels.items()),
            )
            for version in catalog.versions.all(address_of(repository))
        ]
        show(Table(columns, rows, ("created", "labels"), columns[2:6], ("bytes",)), output)


def diff(
    repository: str,
    old: int | None = None,
    new: int | None = None,
    *,
    output: OutputOptions = PLAIN,
) -> None:
    """Show the paths whose bytes differ between two versions: + added, - removed, ~ replaced.

    Args:
        repository: A block's name, a path or a URL.
        old: The earlier version's number; by default the one before `new`.
        new: The later version's number; by default the latest.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        address = address_of(repository)
        later = catalog.versions.latest(address).number if new is None else new
        earlier = _previous_number(catalog, address, later) if old is None else old
        show_lines(catalog.versions.diff(address, earlier, later), _diff_line, output)


def runs(run_id: str | None = None, *, limit: Limit = 20, output: OutputOptions = PLAIN) -> None:
    """List the last runs, or what one run did and which files failed.

    Args:
        run_id: A run's id; without it, the runs are listed.
        limit: Most runs or failures to list.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        if run_id is None:
            show(_last_runs(catalog, limit), output)
        else:
            show(_run_details(catalog, run_id, limit), output)


def show_plan(plan_id: str, *, limit: Limit = 1000, output: OutputOptions = PLAIN) -> None:
    """Show what a stored plan would do, and why.

    Args:
        plan_id: The plan's id.
        limit: Most rows to list.
        output: Output format.
    """
    columns = ("action", "path", "destination", "size", "reason")
    with open_catalog(output) as catalog:
        plan = catalog.plans.get(plan_id)
        rows = [
            (row.action, row.path, row.destination, row.size, row.reason)
            for row in catalog.plans.changes(plan_id, limit)
        ]
        totals = tuple(
            f"  {tally.address}: {tally.add:,} to add, {tally.replace:,} to replace, "
            f"{tally.remove:,} to remove, {tally.keep:,} kept"
            for tally in plan.tallies
        )
        text_columns = ("path", "destination", "reason")
        table = Table(
            columns, rows, text_columns, sizes=("size",), empty="nothing to do", notes=totals
        )
        show(table, output)


def explain(run_id: str, path: str, *, output: OutputOptions = PLAIN) -> None:
    """Explain what a run did with one path and why, in a sentence for each destination.

    Args:
        run_id: The run's id, from its result or `entrepot runs`.
        path: The file's path at the destination.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        show_lines(iter(catalog.runs.explain(run_id, path)), str, output)


def failures(run_id: str, *, limit: Limit = 1000, output: OutputOptions = PLAIN) -> None:
    """Show the contract failures of a run: file, row, column, check and value.

    Args:
        run_id: The run's id, from its result or `entrepot runs`.
        limit: Most failure cases to list.
        output: Output format.
    """
    columns = ("contract", "then", "path", "row", "column", "check", "value", "of")
    with open_catalog(output) as catalog:
        catalog.runs.get(run_id)  # an unknown id is an error, not a run without failures
        rows = [
            (
                *(breach.contract, breach.then, breach.path, case.row, case.column),
                *(case.check, case.value, breach.failures),
            )
            for breach in catalog.runs.breaches(run_id, limit)
            for case in breach.cases
        ]
        text_columns = ("contract", "then", "path", "column", "check", "value")
        table = Table(
            columns, rows, text_columns, counts=("row", "of"), empty="no contract failures"
        )
        show(table, output)


def sql(query: str, *, limit: Limit = 1000, output: OutputOptions = PLAIN) -> None:
    """Run a read-only SQL query on the catalog's views and tables.

    Args:
        query: One statement, such as "SELECT * FROM runs".
        limit: Most rows to list.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        try:
            columns = tuple(str(row[0]) for row in catalog.sql(f"DESCRIBE {query}"))
            rows = list(islice(catalog.sql(query), limit))
        except duckdb.Error as error:
            raise InvalidInput(f"the query cannot be run: {error}") from error
        show(Table(columns, rows, columns, empty="no rows"), output)


def _repositories(catalog: Catalog) -> Table:
    latest = [catalog.versions.latest(address) for address in catalog.repositories.addresses()]
    return Table(
        ("repository", "version", "files", "bytes", "created"),
        [
            (version.address, version.number, version.total, version.bytes, version.created_at)
            for version in latest
        ],
        text_columns=("created",),
        counts=("files",),
        sizes=("bytes",),
        empty="no repositories yet",
    )


def _last_runs(catalog: Catalog, limit: int) -> Table:
    columns = ("run", "kind", "state", "started", "message")
    rows = [
        (run.run_id, run.kind, run.state, run.started_at, run.message)
        for run in catalog.runs.all(limit)
    ]
    return Table(columns, rows, columns, empty="no runs yet")


def _run_details(catalog: Catalog, run_id: str, limit: int) -> Table:
    catalog.runs.get(run_id)  # raises NotRecorded if there is no such run
    failed = catalog.runs.outcomes(run_id, Status.FAILED, limit)
    columns = ("path", "destination", "error", "message")
    rows = [(row.path, row.destination, row.error, row.message) for row in failed]
    totals = tuple(
        f"  {tally.address}: {tally.added:,} added, {tally.replaced:,} replaced, "
        f"{tally.removed:,} removed, {tally.kept:,} kept, {tally.failed:,} failed"
        for tally in catalog.runs.tallies(run_id)
    )
    return Table(columns, rows, columns, empty="nothing failed", notes=totals)


def _previous_number(catalog: Catalog, address: str, number: int) -> int:
    earlier = [
        version.number for version in catalog.versions.all(address) if version.number < number
    ]
    if not earlier:
        raise NotRecorded("version", f"{address} before {number}")
    return max(earlier)


def _content_line(row: ContentRow) -> str:
    time = time_of(row.modified_us)
    modified = format_time(time) if time else "-" * 23
    size = "?" if row.size is None else format_bytes(row.size)
    return f"{size:>12}  {modified}  {(row.digest or '-')[:12]:12}  {row.path}"


def _diff_line(row: DiffRow) -> str:
    return f"{SIGNS[row.change]} {row.path}"
