"""Reads the rows of a Parquet file in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl

from transfer.contracts.contract import Contract, Rows
from transfer.contracts.findings import Findings
from transfer.contracts.row_chunk import CHUNK_ROWS, RowChunk


def parquet_chunks(
    content: bytes | Path, contract: Contract, findings: Findings, size: int = CHUNK_ROWS
) -> Iterator[RowChunk]:
    """Yield the selected rows, at least one chunk unless the file is unreadable."""
    source = BytesIO(content) if isinstance(content, bytes) else content
    row, yielded = 1, False
    try:
        scan = pl.scan_parquet(source, glob=False)
        names = scan.collect_schema()
        if contract.max_rows is not None:
            scan = scan.head(contract.max_rows)
        for frame in scan.collect_batches(chunk_size=size, maintain_order=True):
            chunk = RowChunk(range(row, row + len(frame)), frame)
            row += len(frame)
            if contract.rows is Rows.EVERY:
                chunk = _sample_rows(chunk, contract)
            if chunk.rows:
                yield chunk
                yielded = True
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        findings.add("a Parquet file that can be read", value=str(error).partition("\n")[0])
        return
    if not yielded:
        yield RowChunk([], names.to_frame())


def _sample_rows(chunk: RowChunk, contract: Contract) -> RowChunk:
    wanted = [index for index, row in enumerate(chunk.rows) if contract.includes_row(row)]
    return RowChunk([chunk.rows[index] for index in wanted], chunk.frame[wanted])
