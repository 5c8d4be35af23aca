"""Loads a pandera schema from YAML or a module, and tells whether it can be checked in chunks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pandera.polars as pa
import polars as pl
import yaml
from pandera.errors import SchemaDefinitionError, SchemaInitError
from pandera.io import polars_io

from catalog.errors import InvalidInput
from transfer.contracts.contract import Kind, OwnChecks, Rule
from transfer.user_functions import import_function

ROW_WISE = {
    "equal_to",
    "not_equal_to",
    "greater_than",
    "greater_than_or_equal_to",
    "less_than",
    "less_than_or_equal_to",
    "in_range",
    "isin",
    "notin",
    "str_matches",
    "str_contains",
    "str_startswith",
    "str_endswith",
    "str_length",
}
"""The pandera checks that test each value by itself."""

_SCHEMA_ERRORS = (
    SchemaDefinitionError,
    SchemaInitError,
    AttributeError,
    TypeError,
    ValueError,
    LookupError,
    SyntaxError,
)
"""What pandera raises for an invalid schema."""


_deserialize = cast(
    "Callable[[Mapping[str, Any]], pa.DataFrameSchema]", polars_io.deserialize_schema
)


def schema_of(rule: Rule) -> pa.DataFrameSchema:
    """Return a new copy of the schema: pandera changes a schema while it checks.

    Raises:
        InvalidInput: the rule is not a valid polars schema.
    """
    loaded = _from_text(rule.text) if rule.kind is Kind.PANDERA else _from_module(rule.text)
    schema = deepcopy(loaded)
    schema.drop_invalid_rows = False  # else it would drop rows instead of reporting them
    for column in schema.columns.values():
        column.drop_invalid_rows = False
    return schema


def _from_text(text: str) -> pa.DataFrameSchema:
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"the pandera schema is not YAML: {one_line(error)}") from error
    if not isinstance(body, Mapping) or not isinstance(body.get("columns"), Mapping):
        raise InvalidInput("a pandera schema in YAML needs a mapping `columns`, found none")
    columns = cast("Mapping[str, Any]", body["columns"])
    for name, one in columns.items():
        if not (one is None or isinstance(one, Mapping)):
            raise InvalidInput(
                f"the column {name!r} of a pandera schema must be a mapping, found {one!r}"
            )
    try:
        # pandera converts checks of typed columns to pandas types, and pandas is not installed.
        types = _deserialize({"columns": {name: _dtype_only(one) for name, one in columns.items()}})
        plain = {
            name: _without_dtype(one, types.columns[name].dtype) for name, one in columns.items()
        }
        schema = _deserialize({**body, "columns": plain})
        return schema.update_columns(
            {name: {"dtype": one.dtype} for name, one in types.columns.items() if one.dtype}
        )
    except _SCHEMA_ERRORS as error:
        raise InvalidInput(f"the pandera schema cannot be used: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """Return the text of an error as one line."""
    return " ".join(str(error).split())


def _dtype_only(column: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"dtype": (column or {}).get("dtype")}


def _without_dtype(column: Mapping[str, Any] | None, dtype: Any) -> dict[str, Any]:  # noqa: ANN401  # pandera's
    kept = {name: value for name, value in (column or {}).items() if name != "dtype"}
    if dtype is not None and isinstance(dtype.type, pl.Datetime):
        kept["checks"] = _parse_datetimes(kept.get("checks"))
    return kept


def _parse_datetimes(value: Any) -> Any:  # noqa: ANN401  # any YAML
    """Parse datetimes in the parameters of checks."""
    if isinstance(value, Mapping):
        return {name: _parse_datetimes(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_parse_datetimes(one) for one in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value):
        return datetime.fromisoformat(value)
    return value


def _from_module(name: str) -> pa.DataFrameSchema:
    if ":" not in name:
        raise InvalidInput(f"the pandera model {name!r} must have the form module:Name")
    target: object = import_function(name, "pandera model")
    if isinstance(target, type) and issubclass(target, pa.DataFrameModel):
        try:
            target = target.to_schema()
        except _SCHEMA_ERRORS as error:
            raise InvalidInput(
                f"the pandera model {name!r} cannot be used: {one_line(error)}"
            ) from error
    if not isinstance(target, pa.DataFrameSchema):
        raise InvalidInput(
            f"{name!r} must be a DataFrameModel or DataFrameSchema of pandera.polars, "
            f"found {type(target).__name__}"
        )
    return target


def types_of(schema: pa.DataFrameSchema, names: Iterable[str]) -> dict[str, pl.DataType]:
    """Return the declared types of the columns `names`, and of all with a literal name."""
    types: dict[str, pl.DataType] = {}
    for key, column in schema.columns.items():
        declared = column.dtype or schema.dtype
        if declared is None:
            continue
        for name in names if column.regex else (key,):
            if not column.regex or re.match(key, name):
                types[name] = _instance(declared.type)
    return types


def _instance(dtype: Any) -> pl.DataType:  # noqa: ANN401  # a class or an object of it
    return cast("pl.DataType", dtype() if isinstance(dtype, type) else dtype)


def whole_table_checks(schema: pa.DataFrameSchema, own: OwnChecks) -> list[str]:
    """Return the names of the checks that need a whole column or table at once."""
    every = list(schema.checks or ())
    for column in schema.columns.values():
        every += column.checks or ()
    return [
        str(one.name)
        for one in every
        if not one.element_wise
        and one.name not in ROW_WISE
        and (own is OwnChecks.COLUMN or one.name == "unique_values_eq")
    ]


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values must be unique together, and which duplicates are reported."""

    columns: tuple[str, ...]
    reported: str  # all, exclude_first or exclude_last


def unique_columns(schema: pa.DataFrameSchema, names: Iterable[str]) -> list[Unique]:
    """Return the uniqueness rules of a schema for the columns `names`."""
    there = set(names)
    uniques: list[Unique] = []
    for key, column in schema.columns.items():
        if column.unique:
            matching = (one for one in there if re.match(key, one)) if column.regex else (key,)
            uniques += [Unique((name,), str(column.report_duplicates)) for name in sorted(matching)]
    if schema.unique:
        uniques.append(Unique(tuple(schema.unique), str(schema.report_duplicates)))
    return [one for one in uniques if there.issuperset(one.columns)]


def without_uniqueness(schema: pa.DataFrameSchema) -> pa.DataFrameSchema:
    """Return a copy of a schema without its uniqueness rules."""
    plain = deepcopy(schema)
    plain.unique = None
    for column in plain.columns.values():
        column.unique = False
    return plain
