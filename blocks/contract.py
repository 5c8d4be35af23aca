"""The `Contract` block: what the content of files must satisfy, from a form or from YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import yaml
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, ValidationError, field_validator

from blocks.contract_rules import (
    RULES,
    CsvSettings,
    FunctionRule,
    JsonSchemaRule,
    ModelRule,
    PanderaRule,
)
from catalog.errors import InvalidInput, RepositoryNotFound
from transfer.contracts.contract import Contract as Value
from transfer.contracts.contract import Format, OwnChecks, Rows, Then

_NAME = re.compile(r"[a-z0-9][a-z0-9\-]*\Z")


class Contract(Block):
    """What the content of matching files must satisfy, and what follows where it does not.

    Example:
        Load a stored contract and hold a sync to it:

        ```python
        from blocks.contract import Contract

        contract = Contract.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Entrepot Contract"
    _block_type_slug = "entrepot-contract"
    _description = (
        "What the content of files must satisfy on their way: a pandera schema, a JSON Schema or a "
        "function; and whether bad files are put aside, fail, or are only told."
    )
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://raw.githubusercontent.com/PrefectHQ/prefect/"
        "420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos/json.png"
    )
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.prefect.io/v3/concepts/blocks"
    )

    rule: PanderaRule | ModelRule | JsonSchemaRule | FunctionRule = Field(
        title="Rule", description="What must be true of the content."
    )
    name: str = Field(
        default="",
        max_length=100,
        title="Name",
        description="How reports call it; empty for the name that the block is stored under.",
    )
    include: list[str] = Field(
        default_factory=list[str],
        title="Include",
        description="Globs of the paths that are held to it; none for all.",
    )
    exclude: list[str] = Field(
        default_factory=list[str],
        title="Exclude",
        description="Globs of the paths that are not.",
    )
    format: Format = Field(
        default=Format.ANY,
        title="Format",
        description="How files are read; any goes by the end of their names.",
    )
    rows: Rows = Field(
        default=Rows.ALL,
        title="Rows",
        description="Which rows are looked at: all, the first so many, or every so many-th.",
    )
    step: int = Field(
        default=1000, ge=1, title="Step", description="How many, where not all rows are looked at."
    )
    then: Then = Field(
        default=Then.QUARANTINE,
        title="Then",
        description=(
            "What follows where a file breaks it: quarantine leaves it out and puts it aside, "
            "fail lets it fail, warn lets it arrive."
        ),
    )
    csv: CsvSettings = Field(
        default_factory=CsvSettings, title="CSV", description="How CSV files are written."
    )
    own_checks: OwnChecks = Field(
        default=OwnChecks.COLUMN,
        title="Own checks",
        description=(
            "What checks of your own in a pandera model look at: a whole column, so that a file "
            "has to fit into memory, or rows, each by itself."
        ),
    )
    quarantine: str = Field(
        default="",
        title="Quarantine",
        description=(
            "Block name, path or URL of the repository that bad files are put aside in; empty for "
            ".entrepot/quarantine of the first destination."
        ),
    )

    @field_validator("rule", mode="before")
    @classmethod
    def _by_type(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        given = cast("Mapping[str, Any]", value)
        kind = given.get("type")
        if kind not in RULES:
            raise InvalidInput(f"a rule's type is one of {', '.join(RULES)}, found {kind!r}")
        return RULES[kind].model_validate(given)

    @classmethod
    def named(cls, name: str) -> Self:
        """Load the stored contract of this name, in a notebook too."""
        return cls.load(name, _sync=True)  # type: ignore[call-arg, return-value]

    def value(self) -> Value:
        """Return the contract as the engine takes it."""
        return Value(
            name=self.name or self._block_document_name or "contract",
            rule=self.rule.value(),
            include=tuple(self.include),
            exclude=tuple(self.exclude),
            format=self.format,
            rows=self.rows,
            step=self.step,
            then=self.then,
            csv=self.csv.value(),
            own_checks=self.own_checks,
            quarantine=self.quarantine,
        )


def contracts_of(given: Contract | str) -> list[Value]:
    """Return the contracts that `given` means: a block, its name, a file of YAML, or YAML itself.

    A text of several lines, or with `: `, is YAML: one contract, or a list of them. One that ends
    in .yaml or .yml, or holds a slash, is a file.

    Raises:
        RepositoryNotFound: no contract block bears that name.
        InvalidInput: it is no contract.
    """
    if isinstance(given, Contract):
        return [given.value()]
    if "\n" in given or ": " in given:
        return from_yaml(given, "given")
    if given.endswith((".yaml", ".yml")) or "/" in given:
        try:
            text = Path(given).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise InvalidInput(f"the contract file {given!r} cannot be read: {error}") from error
        return from_yaml(text, given)
    if not _NAME.match(given):
        raise RepositoryNotFound(
            f"{given!r} is not the name of a contract block (lower-case letters, digits, dashes), "
            "no file of YAML and no YAML"
        )
    try:
        return [Contract.named(given).value()]
    except ValueError as error:
        raise RepositoryNotFound(f"no contract block is named {given!r}") from error


def from_yaml(text: str, where: str) -> list[Value]:
    """Read contracts out of YAML; `where` it stands is told in errors."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise InvalidInput(f"the contract {where!r} is no YAML: {told}") from error
    found: list[object] = body if isinstance(body, list) else [body]
    return [_from_mapping(one, where) for one in found]


def _from_mapping(body: object, where: str) -> Value:
    if not isinstance(body, Mapping):
        raise InvalidInput(f"the contract {where!r} is no mapping, found {type(body).__name__}")
    values = cast("Mapping[str, Any]", body)
    if unknown := sorted(set(map(str, values)) - set(Contract.model_fields)):
        raise InvalidInput(
            f"the contract {where!r} has no field {unknown[0]!r}; known: "
            f"{', '.join(Contract.model_fields)}"
        )
    try:
        made = Contract(**values)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        )
        raise InvalidInput(f"the contract {where!r} cannot be used: {told}") from error
    if not made.name:
        raise InvalidInput(f"the contract {where!r} needs a name")
    return made.value()
