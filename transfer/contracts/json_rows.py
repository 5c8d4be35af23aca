"""Reads JSON for contracts: the lines of JSON Lines, or one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from transfer.contracts.contract import Contract, Rows
from transfer.contracts.findings import Findings
from transfer.contracts.row_chunk import open_content

MAX_LINE_BYTES = 16 * 2**20
MAX_DOCUMENT_BYTES = 64 * 2**20  # a document is read whole


def read_lines(
    content: bytes | Path, contract: Contract, findings: Findings
) -> Iterator[tuple[int, Any]]:
    """Yield the value of each selected line with its number; blank lines are skipped."""
    every = contract.rows is not Rows.EVERY
    with open_content(content) as file:
        row = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            row += 1
            if contract.max_rows is not None and row > contract.max_rows:
                return
            if len(line) > MAX_LINE_BYTES:
                _skip_line(file, line)
                findings.add(f"a line of at most {MAX_LINE_BYTES:,} bytes", row)
            elif (every or contract.includes_row(row)) and not line.isspace():
                try:
                    value = _parse(line, "utf-8-sig" if row == 1 else "utf-8")
                except (ValueError, RecursionError) as error:
                    findings.add("JSON", row, value=f"{error}")
                else:
                    yield row, value


def read_document(content: bytes | Path, findings: Findings) -> Iterator[tuple[None, Any]]:
    """Yield the value of a JSON document, if it can be read."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if size > MAX_DOCUMENT_BYTES:
        findings.add(f"a document of at most {MAX_DOCUMENT_BYTES:,} bytes", value=f"{size:,} bytes")
        return
    with open_content(content) as file:
        try:
            value = _parse(file.read(), "utf-8-sig")
        except (ValueError, RecursionError) as error:
            findings.add("JSON", value=f"{error}")
            return
    yield None, value


def _parse(data: bytes, encoding: str) -> Any:  # noqa: ANN401  # any JSON
    return _DECODER.decode(data.decode(encoding))


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _skip_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE_BYTES)
