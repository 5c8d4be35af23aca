"""Checks JSON documents, or each line of JSON Lines, against a JSON Schema."""

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
    """Return the validator of a schema; without `$schema` it is of draft 2020-12.

    Raises:
        InvalidInput: it is not a JSON Schema, or refers to another document.
    """
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"the JSON Schema is not JSON: {error}") from error
    if not isinstance(schema, dict | bool):
        raise InvalidInput(f"a JSON Schema must be an object, found {text[:80]!r}")
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
                f"the JSON Schema refers to {reference!r}, which it does not contain"
            ) from error
    return kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER)


def check_json(
    contract: Contract,
    form: Format,
    content: bytes | Path,
    findings: Findings,
    stop: StopFlag,
) -> None:
    """Check a document, or each selected line, against the schema of a contract."""
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
    """Yield the references in a schema; a subschema with an `$id` resolves its own."""
    if isinstance(schema, Mapping):
        if not top and "$id" in schema:
            return
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for part in schema.values():
            yield from _references(part, top=False)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part, top=False)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
