"""Checks one file against one contract, and a contract itself before any file is touched."""

from __future__ import annotations

import csv
from pathlib import Path

from catalog.errors import InvalidInput
from transfer.contracts.contract import Contract, CsvOptions, Format, Kind, Rows
from transfer.contracts.findings import Findings, Report
from transfer.user_functions import import_function
from transfer.workers.stop import StopFlag

TABLES = {Kind.PANDERA, Kind.MODEL}
_FORMATS = {
    Kind.PANDERA: (Format.CSV, Format.PARQUET, Format.JSONL),
    Kind.MODEL: (Format.CSV, Format.PARQUET, Format.JSONL),
    Kind.JSON_SCHEMA: (Format.JSON, Format.JSONL),
    Kind.FUNCTION: tuple(Format),
}


def check_file(
    contract: Contract, path: str, content: bytes | Path, stop: StopFlag | None = None
) -> Report:
    """Return the violations of the contract in the content of the file at `path`.

    A file that cannot be read breaks the contract; `stop` ends the check of a large one.
    """
    stop = stop or StopFlag()
    findings = Findings()
    kind = contract.rule.kind
    if kind is Kind.FUNCTION:
        from transfer.contracts.user_function import check_with_function  # noqa: PLC0415  # as below

        check_with_function(contract, path, content, findings)
        return findings.report()
    form = contract.format_of(path)
    if form is None or form not in _FORMATS[kind]:
        ends = " or ".join(form.value for form in _FORMATS[kind])
        findings.add(f"a format that {kind.value} can check: {ends}", value=path)
    elif kind in TABLES:
        from transfer.contracts.check_table import check_table  # noqa: PLC0415  # costs 0.3 s

        check_table(contract, form, content, findings, stop)
    else:
        from transfer.contracts.check_json import check_json  # noqa: PLC0415  # costs 0.1 s

        check_json(contract, form, content, findings, stop)
    return findings.report()


def check_contract(contract: Contract) -> None:
    """Check that a contract can be used, before anything is touched.

    Raises:
        InvalidInput: it cannot; names the contract and what is wrong with it.
    """
    try:
        _check_usable(contract)
    except InvalidInput as error:
        raise InvalidInput(f"contract {contract.name!r}: {error}") from error


def _check_usable(contract: Contract) -> None:
    contract.covers("")  # its patterns
    kind, form = contract.rule.kind, contract.format
    if form is not Format.ANY and form not in _FORMATS[kind]:
        raise InvalidInput(f"a {kind.value} rule cannot check {form.value} files")
    if contract.step < 1:
        raise InvalidInput(
            f"rows {contract.rows.value!r} needs a step of 1 or more, found {contract.step}"
        )
    if contract.rows is not Rows.ALL and kind is Kind.FUNCTION:
        raise InvalidInput(
            f"a function checks whole files: rows {contract.rows.value!r} is not allowed"
        )
    _check_csv_options(contract.csv)
    if kind is Kind.FUNCTION:
        import_function(contract.rule.text, "function")
    elif kind is Kind.JSON_SCHEMA:
        from transfer.contracts.check_json import validator_of  # noqa: PLC0415  # as above

        validator_of(contract.rule.text)
    else:
        from transfer.contracts.table_schema import schema_of  # noqa: PLC0415  # as above

        schema_of(contract.rule)


def _check_csv_options(options: CsvOptions) -> None:
    delimiter, quote = options.delimiter, options.quote
    try:
        csv.reader((), delimiter=delimiter, quotechar=quote)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"cannot read CSV with the delimiter {delimiter!r} and the quote {quote!r}: {error}"
        ) from error
    if delimiter == quote:
        raise InvalidInput(
            f"CSV needs different characters for delimiter and quote, found {quote!r}"
        )
    try:
        "".encode(options.encoding)
    except LookupError as error:
        raise InvalidInput(f"unknown text encoding {options.encoding!r}") from error
