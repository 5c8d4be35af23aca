"""What a command prints: its result as text or JSON on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter
from pydantic_core import to_jsonable_python

from catalog.catalog import Catalog
from catalog.errors import CatalogError, StorageError
from catalog.settings import Settings
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.table import Table

T = TypeVar("T")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Output:
    """Output options, which every command has."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print the result as JSON, and no progress."""
    quiet: Annotated[bool, Parameter(alias="-q", negative="")] = False
    """Print no progress."""
    verbose: Annotated[bool, Parameter(alias="-v", negative="")] = False
    """Also print Prefect's log."""


OutputOptions = Annotated[Output, Parameter(group="Output")]
PLAIN = Output()


@contextmanager
def open_catalog(output: Output, tenant: str | None = None) -> Generator[Catalog]:
    """Open the catalog of a tenant, by default the configured one; an error ends the program."""
    with exit_on_error(output):
        settings = Settings()
        if tenant is not None:
            settings = settings.model_copy(update={"tenant": tenant})
        yield Catalog.open(settings)


@contextmanager
def exit_on_error(output: Output) -> Generator[None]:
    """Print an error and exit with its code.

    If the reader of the output goes away (`entrepot ls … | head`), exit silently.
    """
    try:
        yield
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at exit
        sys.exit(ExitCode.SUCCESS)


def show(value: object, output: Output) -> None:
    """Print a command's result."""
    sys.stdout.write(f"{as_json(value) if output.json else value}\n")
    sys.stdout.flush()


def show_lines(rows: Iterator[T], line: Callable[[T], str], output: Output) -> None:
    """Print any number of rows without holding them in memory: as lines, or as a JSON list."""
    if not output.json:
        for row in rows:
            sys.stdout.write(f"{line(row)}\n")
        sys.stdout.flush()
        return
    separator = "["
    for row in rows:
        sys.stdout.write(f"{separator}\n  {json.dumps(to_jsonable_python(row))}")
        separator = ","
    sys.stdout.write("[]\n" if separator == "[" else "\n]\n")
    sys.stdout.flush()


def show_error(error: BaseException, output: Output) -> None:
    """Print an error as text on stderr, or as JSON with the result of what was done."""
    if output.json:
        show(error_to_json(error), output)
    else:
        sys.stderr.write(f"entrepot: {error}\n")


def error_to_json(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON values: its kind, message, storage code and result."""
    details: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, StorageError):
        details["code"] = error.code
    body: dict[str, Any] = {"error": details}
    if (result := getattr(error, "result", None)) is not None:
        body["result"] = result
    return body


def as_json(value: object) -> str:
    """Return any result as JSON, with names in the order of their declaration."""
    plain = value.as_json() if isinstance(value, Table) else value
    return json.dumps(to_jsonable_python(plain, serialize_unknown=True), indent=2)
