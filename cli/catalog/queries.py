"""Questions to the catalog: they start no run and change nothing."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import Annotated

import duckdb
from cyclopts import Parameter

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded
from catalog.glob import globs_to_regex
from catalog.model.diff import Change, DiffRow
from catalog.model.outcome import Status
from catalog.model.version import ContentRow
from cli.catalog.address import address_of
from cli.resources.commands import HERE, REPOSITORIES, Listed, Place, list_resources
from cli.terminal.output import PLAIN, Output, open_catalog, show, show_lines
from cli.terminal.table import Table, moment

Given = Annotated[Output, Parameter(group="Output")]
Limit = Annotated[int, Parameter(alias="-n")]
SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.REPLACED: "~"}


def ls(
    repository: str | None = None,
    glob: str = "**",
    *,
    version: int | None = None,
    at: datetime | None = None,
    listed: Annotated[Listed, Parameter(group="Resources")] = REPOSITORIES,
    where: Place = HERE,
    output: Given = PLAIN,
) -> None:
    """List the repositories that the catalog knows, or what a version of one holds.

    With --resources, list resources instead: those whose names begin with what is given.

    Args:
        repository: A block's name, a path or a URL; none lists the repositories. Of resources,
            what their names begin with.
        glob: Glob of the paths to list.
        version: Number of the version; the latest by default.
        at: A moment (UTC unless it says otherwise); the version that was the latest then.
        listed: Which resources.
        where: Of resources, whom to ask.
        output: How to print.
    """
    if listed.resources:
        list_resources(repository or "", listed, where, output)
        return
    with open_catalog(output) as catalog:
        if repository is None:
            show(_repositories(catalog), output)
            return
        found = catalog.versions.choose(address_of(repository), version, at)
        wanted = re.compile(globs_to_regex([glob]))
        rows = catalog.versions.content(found.address, found.number)
        show_lines((row for row in rows if wanted.fullmatch(row.path)), _content_line, output)


def versions(repository: str, *, output: Given = PLAIN) -> None:
    """List the versions of a repository, the lowest number first.

    Args:
        repository: A block's name, a path or a URL.
        output: How to print.
    """
    columns = ("version", "created", "added", "replaced", "removed", "files", "bytes", "labels")
    with open_catalog(output) as catalog:
        rows = [
            (
                one.number,
                one.created_at,
                one.added,
                one.replaced,
                one.removed,
                one.total,
                one.bytes,
                tuple(f"{key}={value}" for key, value in one.labels.items()),
            )
            for one in catalog.versions.all(address_of(repository))
        ]
        show(Table(columns, rows, words=("created", "labels")), output)


def diff(
    repository: str,
    old: int | None = None,
    new: int | None = None,
    *,
    output: Given = PLAIN,
) -> None:
    """Show the paths whose bytes differ between two versions: + added, - removed, ~ replaced.

    Args:
        repository: A block's name, a path or a URL.
        old: Number of the earlier version; by default the one before `new`.
        new: Number of the later version; the latest by default.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        address = address_of(repository)
        later = catalog.versions.latest(address).number if new is None else new
        before = _before(catalog, address, later) if old is None else old
        show_lines(catalog.versions.diff(address, before, later), _diff_line, output)


def runs(run_id: str | None = None, *, limit: Limit = 20, output: Given = PLAIN) -> None:
    """List the last runs, or what one did and what failed in it.

    Args:
        run_id: A run's id; none lists the runs.
        limit: How many runs, or failures, at most.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        if run_id is None:
            show(_last_runs(catalog, limit), output)
        else:
            show(_one_run(catalog, run_id, limit), output)


def show_plan(plan_id: str, *, limit: Limit = 1000, output: Given = PLAIN) -> None:
    """Show what a stored plan would do, and why.

    Args:
        plan_id: The plan's id.
        limit: How many rows, at most.
        output: How to print.
    """
    columns = ("action", "path", "destination", "size", "reason")
    with open_catalog(output) as catalog:
        plan = catalog.plans.get(plan_id)
        rows = [
            (one.action, one.path, one.destination, one.size, one.reason)
            for one in catalog.plans.changes(plan_id, limit)
        ]
        totals = tuple(
            f"  {one.address}: {one.add} to add, {one.replace} to replace, {one.remove} to remove, "
            f"{one.keep} kept"
            for one in plan.tallies
        )
        words = ("path", "destination", "reason")
        show(Table(columns, rows, words, empty="nothing to do", rest=totals), output)


def explain(run_id: str, path: str, *, output: Given = PLAIN) -> None:
    """Say in one sentence for each destination why a run did what it did with one path.

    Args:
        run_id: The run's id, as its result tells.
        path: The file's path at the destination.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        show_lines(iter(catalog.runs.explain(run_id, path)), str, output)


def failures(run_id: str, *, limit: Limit = 1000, output: Given = PLAIN) -> None:
    """Show what contracts found in the files of a run: file, row, column, check and value.

    Args:
        run_id: The run's id, as its result tells.
        limit: How many failure cases, at most.
        output: How to print.
    """
    columns = ("contract", "then", "path", "row", "column", "check", "value", "of")
    with open_catalog(output) as catalog:
        catalog.runs.get(run_id)  # an id that nothing bears is no run without failures
        rows = [
            (
                *(found.contract, found.then, found.path, case.row, case.column),
                *(case.check, case.value, found.failures),
            )
            for found in catalog.runs.breaches(run_id, limit)
            for case in found.cases
        ]
        words = ("contract", "then", "path", "column", "check", "value")
        show(Table(columns, rows, words=words, empty="no contract found anything"), output)


def sql(query: str, *, limit: Limit = 1000, output: Given = PLAIN) -> None:
    """Run a query of your own on the catalog's views and tables; nothing can be written.

    Args:
        query: One statement, such as "SELECT * FROM runs".
        limit: How many rows, at most.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        try:
            columns = tuple(str(row[0]) for row in catalog.sql(f"DESCRIBE {query}"))
            rows = list(islice(catalog.sql(query), limit))
        except duckdb.Error as error:
            raise InvalidInput(f"the query cannot be run: {error}") from error
        show(Table(columns, rows, words=columns, empty="no rows"), output)


def _repositories(catalog: Catalog) -> Table:
    latest = [catalog.versions.latest(address) for address in catalog.repositories.addresses()]
    return Table(
        ("repository", "version", "files", "bytes", "created"),
        [(one.address, one.number, one.total, one.bytes, one.created_at) for one in latest],
        words=("created",),
        empty="no repository yet",
    )


def _last_runs(catalog: Catalog, limit: int) -> Table:
    columns = ("run", "kind", "state", "started", "message")
    rows = [
        (one.run_id, one.kind, one.state, one.started_at, one.message)
        for one in catalog.runs.all(limit)
    ]
    return Table(columns, rows, words=columns, empty="no run yet")


def _one_run(catalog: Catalog, run_id: str, limit: int) -> Table:
    catalog.runs.get(run_id)  # an error where there is none
    failed = catalog.runs.outcomes(run_id, Status.FAILED, limit)
    columns = ("path", "destination", "error", "message")
    rows = [(one.path, one.destination, one.error, one.message) for one in failed]
    totals = tuple(
        f"  {one.address}: {one.added} added, {one.replaced} replaced, {one.removed} removed, "
        f"{one.kept} kept, {one.failed} failed"
        for one in catalog.runs.tallies(run_id)
    )
    return Table(columns, rows, words=columns, empty="nothing failed", rest=totals)


def _before(catalog: Catalog, address: str, number: int) -> int:
    earlier = [one.number for one in catalog.versions.all(address) if one.number < number]
    if not earlier:
        raise NotRecorded("version", f"{address} before {number}")
    return max(earlier)


def _content_line(row: ContentRow) -> str:
    when = moment(row.modified_us)
    told = f"{when:%Y-%m-%d %H:%M:%S}" if when else "-" * 19
    size = "?" if row.size is None else row.size
    return f"{size:>12}  {told}  {(row.digest or '-')[:12]:12}  {row.path}"


def _diff_line(row: DiffRow) -> str:
    return f"{SIGNS[row.change]} {row.path}"
