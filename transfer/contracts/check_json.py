"""A JSON Schema over JSON documents, or over each line of JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from catalog.errors import InvalidInput
from transfer.contracts.contract import Contract, Format
from transfer.contracts.findings import Findings
from transfer.contracts.json_rows import read_document, read_lines
from transfer.workers.stop import StopFlag


def validator_of(text: str) -> Validator:
    """Return what checks a value; a schema without `$schema` is of the draft 2020-12.

    Raises:
        InvalidInput: it is no JSON Schema, or needs another document: nothing is fetched.
    """
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"the JSON Schema is no JSON: {error}") from error
    if not isinstance(schema, dict | bool):
        raise InvalidInput(f"a JSON Schema is an object, found {text[:80]!r}")
    kind = validator_for(schema)
    try:
        kind.check_schema(cast("dict[str, Any]", schema))  # or true, or false
    except SchemaError as error:
        raise InvalidInput(
            f"the JSON Schema cannot be used: {error.json_path}: {error.message}"
        ) from error
    registry: Registry[Any] = Registry()
    resolver = registry.resolver_with_root(
        Resource.from_contents(schema, default_specification=DRAFT202012)
    )
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable as error:
            raise InvalidInput(
                f"the JSON Schema refers to {reference!r}, which is not in it"
            ) from error
    return kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER)


def check_json(
    contract: Contract,
    form: Format,
    content: bytes | Path,
    findings: Findings,
    stop: StopFlag,
) -> None:
    """Hold a document, or each line that is looked at, to the schema of a contract."""
    validator = validator_of(contract.rule.text)
    values: Iterator[tuple[int | None, Any]] = (
        read_document(content, findings)
        if form is Format.JSON
        else read_lines(content, contract, findings)
    )
    for row, value in values:
        stop.check()
        for error in validator.iter_errors(value):
            wanted = json.dumps(error.validator_value, default=str)
            findings.add(
                f"{error.validator}: {wanted}", row, error.json_path, _as_text(error.instance)
            )


def _references(schema: object, *, top: bool = True) -> Iterator[str]:
    """Yield what a schema refers to; a schema within it that has an `$id` is a world of its own."""
    if isinstance(schema, Mapping):
        if not top and "$id" in schema:
            return
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for one in schema.values():
            yield from _references(one, top=False)
    elif isinstance(schema, list):
        for one in schema:
            yield from _references(one, top=False)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
