"""Bodies that come encoded although nobody asked for that: decoded, or refused by name.

A file that is itself a `.gz` is often sent with `Content-Encoding: gzip`; it is stored as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from catalog.errors import UnexpectedReply
from providers.http.response import Response

_ITSELF = {
    "gzip": (".gz", ".tgz", ".svgz", ".gzip"),
    "compress": (".z",),
    "br": (".br",),
    "zstd": (".zst", ".tzst"),
    "bzip2": (".bz2", ".tbz2"),
    "xz": (".xz", ".txz"),
}
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def content_coding(path: str, response: Response) -> str | None:
    """Return the coding that has to be undone, or None where the body is the file.

    Raises:
        UnexpectedReply: it is one that is not undone here.
    """
    coding = (response.header(b"content-encoding") or "").strip().lower().removeprefix("x-")
    if not coding or coding == "identity" or path.lower().endswith(_ITSELF.get(coding, ("\n",))):
        return None
    if coding not in _WINDOWS:
        response.close()
        raise UnexpectedReply(
            f"{path!r} comes encoded as {coding!r} although identity was asked for", path=path
        )
    return coding


def decode_body(path: str, pieces: Iterator[memoryview], coding: str) -> Iterator[bytes]:
    """Yield what is encoded in some pieces; a body cut short is an error."""
    undo = zlib.decompressobj(_WINDOWS[coding])
    try:
        for piece in pieces:
            yield undo.decompress(piece)
        yield undo.flush()
    except zlib.error as error:
        raise UnexpectedReply(f"{path!r} is no {coding}: {error}", path=path) from error
    if not undo.eof:
        raise UnexpectedReply(f"{path!r} ends in the middle of its {coding} stream", path=path)
