"""Send one file: conditions, ranges, validators, and bytes a block at a time (RFC 9110).

The first block is had before the head is sent, so that a source that cannot give it is an error
like any other. What fails later cuts the connection: a body that ends early is never whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, Self

from starlette.datastructures import Headers

from gateway.http.conditions import Validators, Verdict, decide, range_holds
from gateway.http.ranges import Answer, Part, parse

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]


class Stream(Protocol):
    """Blocks of bytes, of which the first could be had; `headers` are what a source sent along."""

    headers: tuple[tuple[str, str], ...]

    def __aiter__(self) -> Self:
        """Return itself."""
        ...

    async def __anext__(self) -> bytes:
        """Return the next block."""
        ...

    async def aclose(self) -> None:
        """Let go, at any time."""
        ...


Opener = Callable[[Part | None], Awaitable[Stream]]
"""Open the whole, or a part."""


@dataclass(frozen=True, slots=True)
class FileHead:
    """What a file is told to be: its size where it is known, and the headers that say so."""

    size: int | None
    validators: Validators
    content_type: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()

    def pairs(self) -> Pairs:
        """Return its headers as they are sent."""
        now = self.validators
        found = [("Content-Type", self.content_type), *self.headers]
        if now.etag is not None:
            found.append(("ETag", now.etag))
        if now.last_modified is not None:
            found.append(("Last-Modified", now.last_modified))
        return encoded(found)


def encoded(headers: list[tuple[str, str]]) -> Pairs:
    """Return headers as bytes."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class RangeFileResponse:
    """One file as an ASGI application of one request."""

    def __init__(self, shown: FileHead, opener: Opener) -> None:
        """Send what `shown` tells, with the bytes that `opener` gives."""
        self._shown, self._opener = shown, opener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        headers, shown = Headers(scope=scope), self._shown
        verdict = decide(headers, shown.validators)
        pairs = shown.pairs()
        if verdict is not Verdict.SEND:
            await _empty(send, verdict.value, [one for one in pairs if one[0] != b"content-type"])
            return
        pairs.append((b"accept-ranges", b"bytes" if shown.size is not None else b"none"))
        asked = self._asked(headers) if scope["method"] == "GET" else Answer.WHOLE
        if asked is Answer.UNSATISFIABLE:
            pairs.append((b"content-range", f"bytes */{shown.size}".encode()))
            await _empty(send, 416, [one for one in pairs if one[0] != b"content-type"])
            return
        part = asked if isinstance(asked, Part) else None
        length = shown.size if part is None else part.length
        if part is not None:
            pairs.append((b"content-range", part.content_range(shown.size or 0).encode()))
        if length is not None:
            pairs.append((b"content-length", str(length).encode()))
        if scope["method"] == "HEAD":
            await _start(send, 200, pairs)
            await send({"type": "http.response.body", "body": b""})
            return
        async with aclosing(await self._opener(part)) as stream:
            own = {name for name, _ in pairs}
            pairs += [one for one in encoded([*stream.headers]) if one[0] not in own]
            await _send(receive, send, 200 if part is None else 206, pairs, stream, length)

    def _asked(self, headers: Headers) -> Part | Answer:
        size, header = self._shown.size, headers.get("range")
        if size is None or header is None:
            return Answer.WHOLE
        if not range_holds(headers.get("if-range"), self._shown.validators):
            return Answer.WHOLE
        return parse(header, size)


async def _send(
    receive: Receive,
    send: Send,
    status: int,
    pairs: Pairs,
    blocks: Stream,
    length: int | None,
) -> None:
    first = await anext(aiter(blocks), b"")
    await _start(send, status, pairs)
    if length is not None and len(first) == length:
        await send({"type": "http.response.body", "body": first})
        return
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        sent = len(first)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        first = b""  # a slow client may take minutes for the rest
        async for block in blocks:
            if gone.done():
                return
            sent += len(block)
            await send({"type": "http.response.body", "body": block, "more_body": True})
        if length is not None and sent != length:
            raise ShortBodyError(f"{sent} bytes were sent of {length}")
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


class ShortBodyError(RuntimeError):
    """A body ended early; the connection is cut."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send, status: int, pairs: Pairs) -> None:
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _empty(send: Send, status: int, pairs: Pairs) -> None:
    await _start(send, status, [*pairs, (b"content-length", b"0")] if status != 304 else pairs)
    await send({"type": "http.response.body", "body": b""})
