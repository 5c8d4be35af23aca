"""The parts of a contract as a form shows them: its rule in one of four languages, CSV options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from transfer.contracts.contract import CsvOptions, Kind, Rule


class PanderaRule(BaseModel, title="Pandera"):
    """A schema of tables in pandera's own YAML."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["pandera"] = Field(default="pandera", title="Type", description="Pandera YAML.")
    text: str = Field(
        title="Schema", description="A polars schema as pandera writes it in YAML: columns, checks."
    )

    @field_validator("text", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return yaml.safe_dump(value) if isinstance(value, Mapping) else value

    def value(self) -> Rule:
        """Return the rule."""
        return Rule(Kind.PANDERA, self.text)


class ModelRule(BaseModel, title="Model"):
    """A schema of tables in Python."""

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
    """A schema of JSON documents, or of each line of JSON Lines."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["json-schema"] = Field(
        default="json-schema", title="Type", description="JSON Schema."
    )
    text: str = Field(title="Schema", description="The JSON Schema; it may refer only to itself.")

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
        description="As module:function, called with the open file and its path.",
    )

    def value(self) -> Rule:
        """Return the rule."""
        return Rule(Kind.FUNCTION, self.function)


class CsvSettings(BaseModel, title="CSV"):
    """How CSV files are written."""

    model_config = ConfigDict(extra="forbid")

    delimiter: str = Field(default=",", title="Delimiter", description="Between two cells.")
    quote: str = Field(default='"', title="Quote", description="Around a cell that needs it.")
    header: bool = Field(
        default=True,
        title="Header",
        description="Whether the first line names the columns; else they are the schema's.",
    )
    encoding: str = Field(default="utf-8", title="Encoding", description="As Python calls it.")
    nulls: list[str] = Field(
        default_factory=lambda: [""], title="Nulls", description="Cells that stand for no value."
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
