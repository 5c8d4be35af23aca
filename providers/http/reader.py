"""A response's body as a reader, and its head as a resource."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import SizeMismatch
from catalog.model.resource import Resource
from providers.error_boundary import error_boundary
from providers.http.headers import declared_digests, modified_us
from providers.http.response import Response, content_coding, decode_body

EMPTY = None
"""Instead of a response, if there is nothing to read."""


@error_boundary
class HttpReader:
    """The chunks of a body: skips the first `skip` bytes and yields at most `length`."""

    def __init__(
        self, response: Response | None, resource: Resource, *, skip: int, length: int | None
    ) -> None:
        """Own `response` until the bytes are read or the reader is closed."""
        self.resource = resource
        self._response = response
        self._skip = skip
        self._length = length
        self._coding = None if response is None else content_coding(resource.path, response)

    @property
    def ranged(self) -> bool:
        """Return whether the server sends the requested range rather than everything."""
        response = self._response
        if response is None:
            return True
        fits = self._length is None or (response.length or 0) <= self._length
        return response.status == 206 and fits

    @property
    def reply_headers(self) -> tuple[tuple[str, str], ...]:
        """Return the response headers, for a proxy to forward."""
        if self._response is None:
            return ()
        return tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self._response.headers.items()
        )

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the bytes; each chunk is valid until the next one."""
        response = self._response
        if response is None:
            return
        skip, left = self._skip, self._length
        for piece in self._pieces(response):
            part = piece
            if skip:
                thrown = min(skip, len(part))
                skip -= thrown
                part = part[thrown:]
            if left is not None:
                part = part[:left]
                left -= len(part)
            if len(part):
                yield part
            if left == 0 and response.status == 200:
                break  # the server ignores ranges and sends everything
        response.close()
        if skip:
            raise SizeMismatch(self.resource.path, self._skip, self._skip - skip)

    def _pieces(self, response: Response) -> Iterator[memoryview]:
        if self._coding is None:
            yield from response.stream()
            return
        for piece in decode_body(self.resource.path, response.stream(), self._coding):
            yield memoryview(piece)

    def close(self) -> None:
        """Free the connection."""
        if self._response is not None:
            self._response.close()


def describe(path: str, response: Response, *, size: int | None = None) -> Resource:
    """Return the resource that a response's head describes; `size` is that of the whole file."""
    headers = response.headers
    encoded = content_coding(path, response) is not None
    if size is None and not encoded:  # the length of an encoded body is not the file's size
        size = response.length
        if response.status == 206:
            total = (response.header(b"content-range") or "").rpartition("/")[2]
            size = int(total) if total.isdigit() else None
    # A digest of a part, or of an encoded body, is not the file's digest.
    plain = response.status == 200 and b"content-encoding" not in headers
    return Resource(
        path,
        size=size,
        etag=response.header(b"etag") or None,
        modified_us=modified_us(headers.get(b"last-modified")),
        digests=declared_digests(headers) if plain else (),
        content_type=response.header(b"content-type"),
    )
