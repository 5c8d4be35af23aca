"""How replies lie: the sizes and etags in headers and in listings of every kind are changed.

>>> sizes(b"<Size>12</Size>"), sizes(b'"size": "7"')
(b'<Size>13</Size>', b'"size": "8"')
>>> etags(b'<ETag>&quot;0a9&quot;</ETag>', 3)
b'<ETag>&quot;4a3&quot;</ETag>'
"""

from __future__ import annotations

import re

SIZES = re.compile(
    rb"(?i)(<Size>|<Content-Length>|getcontentlength>|\"size\"\s*:\s*\"?|size=|\d\d:\d\d\s+|^213 )"
    rb"(\d+)",
    re.MULTILINE,
)
ETAGS = re.compile(
    rb"(?i)(<ETag>|getetag>|\"(?:etag|generation|tag)\"\s*:\s*\"|^(?:etag|x-goog-generation): )"
    rb"([^<\r\n]{1,80}?)(?=[<\r\n]|\",|\"\}|\"$)",
    re.MULTILINE,
)
_ENTITY = re.compile(rb"&[a-z#0-9]+;")


def sizes(text: bytes) -> bytes:
    """Return a listing with other sizes of as many digits."""
    return SIZES.sub(lambda found: found[1] + _other(found[2], 1, last=True), text)


def etags(text: bytes, number: int) -> bytes:
    """Return headers or a listing with other etags of the same form; `number` tells lies apart."""
    return ETAGS.sub(lambda found: found[1] + _shifted(found[2], number), text)


def _shifted(etag: bytes, number: int) -> bytes:
    """Change the digits, but not those of an entity such as &#34;."""
    pieces = _ENTITY.split(etag)
    entities = _ENTITY.findall(etag)
    changed = [_other(one, number) for one in pieces]
    return b"".join(one for pair in zip(changed, [*entities, b""], strict=True) for one in pair)


def _other(text: bytes, number: int, *, last: bool = False) -> bytes:
    """Shift every digit, or only the last one."""
    first = len(text) - 1 if last else 0
    shift = number % 9 + 1 if not last else number
    return text[:first] + bytes(
        (one - 48 + shift) % 10 + 48 if 48 <= one <= 57 else one for one in text[first:]
    )
