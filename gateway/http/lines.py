"""Long answers as lines that are sent while they are found: JSON lines, and text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import StreamingResponse

JSON_LINES = "application/x-ndjson"
Pace: TypeAlias = Callable[[Iterator[bytes]], AsyncIterator[bytes]]
BLOCK = 2**16  # characters sent together


def wants_lines(request: Request) -> bool:
    """Say whether the caller asks for JSON lines."""
    return JSON_LINES in request.headers.get("accept", "")


def json_lines(rows: Iterable[dict[str, Any]], pace: Pace) -> StreamingResponse:
    """Send each row as a line of JSON, at the pace that is given."""
    lines = (f"{json.dumps(row)}\n" for row in rows)
    return StreamingResponse(pace(blocks(lines)), media_type=JSON_LINES)


def text_lines(lines: Iterable[str], headers: Mapping[str, str]) -> StreamingResponse:
    """Send lines of text."""
    return StreamingResponse(blocks(lines), media_type="text/plain", headers=headers)


def blocks(lines: Iterable[str]) -> Iterator[bytes]:
    r"""Join lines to blocks: each block costs a turn of a thread.

    >>> list(blocks(["a\n", "b\n"]))
    [b'a\nb\n']
    """
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= BLOCK:
            yield "".join(held).encode()
            held, size = [], 0
    if held:
        yield "".join(held).encode()
