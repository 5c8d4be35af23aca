"""The parts of a contract's form: a rule of one of four kinds, and CSV options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from transfer.contracts.contract import CsvOptions, Kind, Rule


class PanderaRule(BaseModel, title="Pandera"):
    """A table schema in pandera's YAML."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["pandera"] = Field(default="pandera", title="Type", description="Pandera YAML.")
    text: str = Field(
        title="Schema", description="A polars schema in pandera's YAML: columns, checks."
    )

    @field_validator("text", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return yaml.safe_dump(value) if isinstance(value, Mapping) else value

    def value(self) -> Rule:
        """Return the rule."""
        return Rule(Kind.PANDERA, self.text)


class ModelRule(BaseModel, title="Model"):
    """A table schema in Python."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["pandera-model"] = Field(
        default="pandera-model", title="Type", description="Pandera model."
    )
    model: str = Field(
        title="Model",
        description="A DataFrameModel or DataFrameSchema of pandera.polars, as module:Name.",
    )

    def value(self) -> Rule:
        """Return the rule."""
        return Rule(Kind.MODEL, self.model)


class JsonSchemaRule(BaseModel, title="JSON Schema"):
    """A schema for JSON documents, or for each line of JSON Lines."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["json-schema"] = Field(
        default="json-schema", title="Type", description="JSON Schema."
    )
    text: str = Field(title="Schema", description="The JSON Schema; it can only refer to itself.")

    @field_validator("text", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return json.dumps(value) if isinstance(value, Mapping) else value

    def value(self) -> Rule:
        """Return the rule."""
        return Rule(Kind.JSON_SCHEMA, self.text)


class FunctionRule(BaseModel, title="Function"):
    """A function of your own."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["function"] = Field(default="function", title="Type", description="Function.")
    function: str = Field(
        title="Function",
        description="Your function as module:function, called with the open file and its path.",
    )

    def value(self) -> Rule:
        """Return the rule."""
        return Rule(Kind.FUNCTION, self.function)


class CsvSettings(BaseModel, title="CSV"):
    """The format of CSV files."""

    model_config = ConfigDict(extra="forbid")

    delimiter: str = Field(default=",", title="Delimiter", description="Separator of cells.")
    quote: str = Field(default='"', title="Quote", description="Quotation mark around cells.")
    header: bool = Field(
        default=True,
        title="Header",
        description="Whether the first line has column names; if not, the schema's order is used.",
    )
    encoding: str = Field(default="utf-8", title="Encoding", description="Python's name for it.")
    nulls: list[str] = Field(
        default_factory=lambda: [""], title="Nulls", description="Cell values that mean null."
    )

    def value(self) -> CsvOptions:
        """Return the options."""
        return CsvOptions(self.delimiter, self.quote, self.header, self.encoding, tuple(self.nulls))


AnyRule = PanderaRule | ModelRule | JsonSchemaRule | FunctionRule
RULES: dict[str, type[AnyRule]] = {
    "pandera": PanderaRule,
    "pandera-model": ModelRule,
    "json-schema": JsonSchemaRule,
    "function": FunctionRule,
}
