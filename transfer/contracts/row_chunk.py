"""A chunk of a file's rows, with their row numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import polars as pl

CHUNK_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class RowChunk:
    """Rows as a table; `rows[i]` is the number in the file of row `i` of the table."""

    rows: Sequence[int]
    frame: pl.DataFrame


def open_content(content: bytes | Path) -> BinaryIO:
    """Open the content of a file for reading."""
    return BytesIO(content) if isinstance(content, bytes) else content.open("rb")
