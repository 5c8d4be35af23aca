"""The `Contract` block: what the content of files must satisfy, from a form or from YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import yaml
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
from orchestration.block import Block, stored_names
from orchestration.stored_names import not_stored
from transfer.contracts.contract import Contract as Value
from transfer.contracts.contract import Format, OwnChecks, Rows, Then

_NAME = re.compile(r"[a-z0-9][a-z0-9\-]*\Z")


class Contract(Block):
    """What the content of matching files must satisfy, and what happens if it does not.

    Example:
        Load a stored contract and use it in a sync:

        ```python
        from blocks.contract import Contract

        contract = Contract.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Entrepot Contract"
    _block_type_slug = "entrepot-contract"
    _description = (
        "What the content of files must satisfy: a pandera schema, a JSON Schema or a function; "
        "and whether bad files are quarantined, fail, or are only reported."
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
        description="Name in reports; empty for the name of the block.",
    )
    include: list[str] = Field(
        default_factory=list[str],
        title="Include",
        description="Globs of the paths to check; none for all.",
    )
    exclude: list[str] = Field(
        default_factory=list[str],
        title="Exclude",
        description="Globs of the paths not to check.",
    )
    format: Format = Field(
        default=Format.ANY,
        title="Format",
        description="Format of the files; any chooses it by the file name.",
    )
    rows: Rows = Field(
        default=Rows.ALL,
        title="Rows",
        description="Which rows to check: all, the first n, or every n-th, where n is Step.",
    )
    step: int = Field(
        default=1000, ge=1, title="Step", description="The n of Rows, if not all rows are checked."
    )
    then: Then = Field(
        default=Then.QUARANTINE,
        title="Then",
        description=(
            "What happens to a file that breaks the contract: quarantine leaves it out and keeps a "
            "copy, fail makes it fail, warn delivers it."
        ),
    )
    csv: CsvSettings = Field(
        default_factory=CsvSettings, title="CSV", description="Format of CSV files."
    )
    own_checks: OwnChecks = Field(
        default=OwnChecks.COLUMN,
        title="Own checks",
        description=(
            "What your own checks in a pandera model need: a whole column, for which the file has "
            "to fit into memory, or single rows."
        ),
    )
    quarantine: str = Field(
        default="",
        title="Quarantine",
        description=(
            "Block name, path or URL of the repository for quarantined files; empty for "
            ".entrepot/quarantine of the first destination."
        ),
    )

    @field_validator("rule", mode="before")
    @classmethod
    def _by_type(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        fields = cast("Mapping[str, Any]", value)
        kind = fields.get("type")
        if kind not in RULES:
            raise InvalidInput(f"expected a rule's type, one of {', '.join(RULES)}, found {kind!r}")
        return RULES[kind].model_validate(fields)

    @classmethod
    def named(cls, name: str) -> Self:
        """Load the stored contract of this name, also in a notebook."""
        return cls.load(name, _sync=True)  # type: ignore[call-arg, return-value]

    def value(self) -> Value:
        """Return the contract for the engine."""
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


def contracts_of(reference: Contract | str) -> list[Value]:
    """Return the contracts of a block, of its name, of a YAML file, or of YAML itself.

    A text with several lines or with `: ` is YAML: one contract, or a list of them. A text that
    ends in .yaml or .yml, or contains a slash, is the path of a file.

    Raises:
        RepositoryNotFound: there is no contract block of that name.
        InvalidInput: it is not a valid contract.
    """
    if isinstance(reference, Contract):
        return [reference.value()]
    if "\n" in reference or ": " in reference:
        return from_yaml(reference, "given")
    if reference.endswith((".yaml", ".yml")) or "/" in reference:
        try:
            text = Path(reference).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise InvalidInput(f"cannot read the contract file {reference!r}: {error}") from error
        return from_yaml(text, reference)
    if not _NAME.match(reference):
        raise RepositoryNotFound(
            f"expected the name of a contract block (lower-case letters, digits, dashes), the path "
            f"of a YAML file, or YAML, found {reference!r}"
        )
    try:
        return [Contract.named(reference).value()]
    except ValueError as error:
        names = stored_names(Contract.get_block_type_slug())
        raise not_stored("contract", reference, names) from error


def from_yaml(text: str, where: str) -> list[Value]:
    """Parse contracts from YAML; `where` names its place in errors."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InvalidInput(f"the contract {where!r} is not valid YAML: {reason}") from error
    items: list[object] = body if isinstance(body, list) else [body]
    return [_from_mapping(item, where) for item in items]


def _from_mapping(body: object, where: str) -> Value:
    if not isinstance(body, Mapping):
        raise InvalidInput(f"the contract {where!r} must be a mapping, found {type(body).__name__}")
    values = cast("Mapping[str, Any]", body)
    if unknown := sorted(set(map(str, values)) - set(Contract.model_fields)):
        raise InvalidInput(
            f"the contract {where!r} has the unknown field {unknown[0]!r}; known: "
            f"{', '.join(Contract.model_fields)}"
        )
    try:
        contract = Contract(**values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise InvalidInput(f"the contract {where!r} is invalid: {problems}") from error
    if not contract.name:
        raise InvalidInput(f"the contract {where!r} needs a name")
    return contract.value()
