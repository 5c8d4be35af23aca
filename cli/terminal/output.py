"""What a command prints: a value as text or as JSON on stdout, everything else on stderr."""

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
    """How to print; every command has it."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print one JSON value, and no progress."""
    quiet: Annotated[bool, Parameter(alias="-q", negative="")] = False
    """Print no progress."""
    verbose: Annotated[bool, Parameter(alias="-v", negative="")] = False
    """Print Prefect's log too."""


PLAIN = Output()


@contextmanager
def open_catalog(output: Output, tenant: str | None = None) -> Generator[Catalog]:
    """Give the catalog to whoever asks it; what it refuses is told, and ends the program.

    It is a tenant's, by default that of the settings.
    """
    with exit_on_error(output):
        settings = Settings()
        if tenant is not None:
            settings = settings.model_copy(update={"tenant": tenant})
        yield Catalog.open(settings)


@contextmanager
def exit_on_error(output: Output) -> Generator[None]:
    """Tell what is refused, and end the program.

    A reader that goes away (`entrepot ls … | head`) ends it without a word.
    """
    try:
        yield
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at exit
        sys.exit(ExitCode.WELL)


def show(value: object, output: Output) -> None:
    """Print what a command found or did."""
    sys.stdout.write(f"{as_json(value) if output.json else value}\n")
    sys.stdout.flush()


def show_lines(rows: Iterator[T], line: Callable[[T], str], output: Output) -> None:
    """Print any number of rows, one at a time: as lines, or as a JSON list."""
    if not output.json:
        for row in rows:
            sys.stdout.write(f"{line(row)}\n")
        sys.stdout.flush()
        return
    mark = "["
    for row in rows:
        sys.stdout.write(f"{mark}\n  {json.dumps(to_jsonable_python(row))}")
        mark = ","
    sys.stdout.write("[]\n" if mark == "[" else "\n]\n")
    sys.stdout.flush()


def show_error(error: BaseException, output: Output) -> None:
    """Print an error: one clear text, or JSON with what was done all the same."""
    if output.json:
        show(error_facts(error), output)
    else:
        sys.stderr.write(f"entrepot: {error}\n")


def error_facts(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON values: its kind, text, storage code, and the result it carries."""
    facts: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, StorageError):
        facts["code"] = error.code
    told: dict[str, Any] = {"error": facts}
    if (result := getattr(error, "result", None)) is not None:
        told["result"] = result
    return told


def as_json(value: object) -> str:
    """Return any value of ours as JSON, names in the order in which they are declared."""
    told = value.as_json() if isinstance(value, Table) else value
    return json.dumps(to_jsonable_python(told, serialize_unknown=True), indent=2)
