"""Streams long responses as lines: JSON lines, and text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import StreamingResponse

JSON_LINES = "application/x-ndjson"
Throttle: TypeAlias = Callable[[Iterator[bytes]], AsyncIterator[bytes]]
BLOCK = 2**16  # characters sent at once


def accepts_json_lines(request: Request) -> bool:
    """Return whether the caller accepts JSON lines."""
    return JSON_LINES in request.headers.get("accept", "")


def json_lines(rows: Iterable[dict[str, Any]], throttle: Throttle) -> StreamingResponse:
    """Stream each row as a line of JSON, throttled."""
    lines = (f"{json.dumps(row)}\n" for row in rows)
    return StreamingResponse(throttle(join_lines(lines)), media_type=JSON_LINES)


def text_lines(lines: Iterable[str], headers: Mapping[str, str]) -> StreamingResponse:
    """Stream lines of text."""
    return StreamingResponse(join_lines(lines), media_type="text/plain", headers=headers)


def join_lines(lines: Iterable[str]) -> Iterator[bytes]:
    r"""Join lines into blocks, because each block needs a call in a thread.

    >>> list(join_lines(["a\n", "b\n"]))
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
