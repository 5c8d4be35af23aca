"""Sends a file: conditions, ranges, validators, and the content block by block (RFC 9110).

The first block is read before the head is sent, so that a failing source gets an error response.
A later failure closes the connection, so that the client sees an incomplete body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, Self

from starlette.datastructures import Headers

from gateway.http.conditions import ConditionResult, Validators, evaluate, is_range_valid
from gateway.http.range_header import ByteRange, NoRange, parse_range

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]


class Stream(Protocol):
    """Blocks of a file, opened successfully; `headers` are forwarded from the source."""

    headers: tuple[tuple[str, str], ...]

    def __aiter__(self) -> Self:
        """Return itself."""
        ...

    async def __anext__(self) -> bytes:
        """Return the next block."""
        ...

    async def aclose(self) -> None:
        """Close it, at any time."""
        ...


Opener = Callable[[ByteRange | None], Awaitable[Stream]]
"""Opens the whole file, or a part."""


@dataclass(frozen=True, slots=True)
class FileHead:
    """A file's size, if known, and its headers."""

    size: int | None
    validators: Validators
    content_type: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()

    def encoded_headers(self) -> Pairs:
        """Return the headers as bytes."""
        now = self.validators
        found = [("Content-Type", self.content_type), *self.headers]
        if now.etag is not None:
            found.append(("ETag", now.etag))
        if now.last_modified is not None:
            found.append(("Last-Modified", now.last_modified))
        return encode_headers(found)


def encode_headers(headers: list[tuple[str, str]]) -> Pairs:
    """Return headers as bytes."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class RangeFileResponse:
    """An ASGI application that sends one file."""

    def __init__(self, head: FileHead, opener: Opener) -> None:
        """Send the headers of `head` and the content from `opener`."""
        self._head, self._opener = head, opener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request."""
        headers, head = Headers(scope=scope), self._head
        verdict = evaluate(headers, head.validators)
        pairs = head.encoded_headers()
        if verdict is not ConditionResult.SEND:
            await _send_empty(
                send, verdict.value, [pair for pair in pairs if pair[0] != b"content-type"]
            )
            return
        pairs.append((b"accept-ranges", b"bytes" if head.size is not None else b"none"))
        requested = self._requested_range(headers) if scope["method"] == "GET" else NoRange.WHOLE
        if requested is NoRange.UNSATISFIABLE:
            pairs.append((b"content-range", f"bytes */{head.size}".encode()))
            await _send_empty(send, 416, [pair for pair in pairs if pair[0] != b"content-type"])
            return
        part = requested if isinstance(requested, ByteRange) else None
        length = head.size if part is None else part.length
        if part is not None:
            pairs.append((b"content-range", part.content_range(head.size or 0).encode()))
        if length is not None:
            pairs.append((b"content-length", str(length).encode()))
        if scope["method"] == "HEAD":
            await _send_head(send, 200, pairs)
            await send({"type": "http.response.body", "body": b""})
            return
        async with aclosing(await self._opener(part)) as stream:
            own = {name for name, _ in pairs}
            pairs += [one for one in encode_headers([*stream.headers]) if one[0] not in own]
            await _send(receive, send, 200 if part is None else 206, pairs, stream, length)

    def _requested_range(self, headers: Headers) -> ByteRange | NoRange:
        size, header = self._head.size, headers.get("range")
        if size is None or header is None:
            return NoRange.WHOLE
        if not is_range_valid(headers.get("if-range"), self._head.validators):
            return NoRange.WHOLE
        return parse_range(header, size)


async def _send(
    receive: Receive,
    send: Send,
    status: int,
    pairs: Pairs,
    blocks: Stream,
    length: int | None,
) -> None:
    first = await anext(aiter(blocks), b"")
    await _send_head(send, status, pairs)
    if length is not None and len(first) == length:
        await send({"type": "http.response.body", "body": first})
        return
    gone = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        sent = len(first)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        first = b""  # free it: a slow client may take minutes for the rest
        async for block in blocks:
            if gone.done():
                return
            sent += len(block)
            await send({"type": "http.response.body", "body": block, "more_body": True})
        if length is not None and sent != length:
            raise ShortBodyError(f"sent only {sent:,} of {length:,} bytes")
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


class ShortBodyError(RuntimeError):
    """A body ended early; the connection is closed."""


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_head(send: Send, status: int, pairs: Pairs) -> None:
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _send_empty(send: Send, status: int, pairs: Pairs) -> None:
    await _send_head(send, status, [*pairs, (b"content-length", b"0")] if status != 304 else pairs)
    await send({"type": "http.response.body", "body": b""})
