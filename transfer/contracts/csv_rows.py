"""Reads the rows of a CSV file: every cell as text, unreadable rows reported by number.

It uses Python's own reader, not a faster one: only that goes on after a broken row and tells which
row it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from transfer.contracts.contract import Contract, Rows
from transfer.contracts.findings import Findings
from transfer.contracts.row_chunk import CHUNK_ROWS, RowChunk, open_content

if TYPE_CHECKING:
    import polars as pl

MAX_CELL_CHARACTERS = 16 * 2**20  # bounds what an unclosed quote swallows

csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))


def csv_chunks(
    content: bytes | Path,
    contract: Contract,
    names: Sequence[str],
    findings: Findings,
    size: int = CHUNK_ROWS,
) -> Iterator[RowChunk]:
    """Yield the readable rows, at least one chunk unless the header is unreadable.

    `names` are the columns of a file without a header.
    """
    options = contract.csv
    encoding = "utf-8-sig" if options.encoding.lower() in {"utf-8", "utf8"} else options.encoding
    with open_content(content) as raw:
        text = TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")
        reader = csv.reader(text, delimiter=options.delimiter, quotechar=options.quote, strict=True)
        try:
            header = next(reader, None) if options.header else list(names)
            if not _check_header(header, findings):
                return
            yield from _chunks(reader, header or [], contract, findings, size)
        except csv.Error as error:
            findings.add(f"a header that can be read: {error}")
        except UnicodeError as error:  # an encoding that cannot go on after an error
            findings.add(f"text in {options.encoding}", value=error)


def _check_header(header: list[str] | None, findings: Findings) -> bool:
    if not header:
        findings.add("a header", value="an empty file" if header is None else "an empty line")
        return False
    twice = sorted({name for name in header if header.count(name) > 1})
    for name in twice:
        findings.add("each column once in the header", column=name)
    if not _is_text(header):
        findings.add("a header in the encoding of the file", value=",".join(header))
        return False
    return not twice


def _chunks(
    reader: Iterator[list[str]],
    header: list[str],
    contract: Contract,
    findings: Findings,
    size: int,
) -> Iterator[RowChunk]:
    numbers: list[int] = []
    kept: list[list[str]] = []
    yielded = False
    every, width = contract.rows is not Rows.EVERY, len(header)
    for row, cells in islice(_records(reader, findings), contract.max_rows):
        if len(cells) != width:
            if cells:
                findings.add(f"{width} cells", row, value=f"{len(cells)} cells")
        elif every or contract.includes_row(row):
            numbers.append(row)
            kept.append(cells)
            if len(kept) == size:
                yield _chunk(numbers, kept, header, contract, findings)
                numbers, kept, yielded = [], [], True
    if kept or not yielded:
        yield _chunk(numbers, kept, header, contract, findings)


def _records(reader: Iterator[list[str]], findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its number; an unreadable one is reported and empty."""
    row = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row += 1
            findings.add(f"a row that can be read: {error}", row)
            yield row, []
            continue
        if cells:  # a blank line is not a row
            row += 1
            yield row, cells


def _chunk(
    numbers: list[int],
    kept: list[list[str]],
    header: list[str],
    contract: Contract,
    findings: Findings,
) -> RowChunk:
    import polars as pl  # noqa: PLC0415  # costs 0.1 s, and few runs have contracts

    try:
        frame = _frame(kept, header)
    except UnicodeEncodeError:
        whole = [_is_text(cells) for cells in kept]
        for row, cells, well in zip(numbers, kept, whole, strict=True):
            if not well:
                column, cell = next(
                    pair for pair in zip(header, cells, strict=True) if not _is_text(pair[1:])
                )
                findings.add(f"text in {contract.csv.encoding}", row, column, cell)
        numbers = [row for row, well in zip(numbers, whole, strict=True) if well]
        frame = _frame([cells for cells, well in zip(kept, whole, strict=True) if well], header)
    nulls = list(contract.csv.nulls)
    cleaned = [
        pl.when(~pl.col(name).is_in(nulls)).then(pl.col(name)).alias(name) for name in header
    ]
    return RowChunk(numbers, frame.select(cleaned) if nulls else frame)


def _frame(kept: list[list[str]], header: list[str]) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415  # see _chunk

    columns = list(zip(*kept, strict=True)) or [() for _ in header]
    return pl.DataFrame(
        [pl.Series(name, cells, pl.String) for name, cells in zip(header, columns, strict=True)]
    )


def _is_text(cells: Iterable[str]) -> bool:
    """Say whether every cell is valid in the encoding."""
    return not any("\udc80" <= character <= "\udcff" for cell in cells for character in cell)
