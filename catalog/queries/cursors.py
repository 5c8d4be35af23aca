"""Cursors: the keys of the last row of a page as opaque text, which requests the next page.

>>> decode_cursor(encode_cursor("a/b", 3), str, int)
('a/b', 3)
"""

from __future__ import annotations

import base64
import binascii
import json

from catalog.errors import InvalidInput

LARGEST_NUMBER = 2**53  # in a cursor


def encode_cursor(*keys: str | int) -> str:
    """Return the cursor of a row."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def decode_cursor(text: str, *kinds: type[str | int]) -> tuple[str | int, ...]:
    """Return the keys of a cursor.

    Raises:
        InvalidInput: it is not a cursor, or has other keys.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        keys = json.loads(base64.b64decode(padded, b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidInput(f"{text!r} is not a cursor") from error
    right = isinstance(keys, list) and [type(one) for one in keys] == list(kinds)
    if not right or any(isinstance(one, int) and abs(one) > LARGEST_NUMBER for one in keys):
        raise InvalidInput(f"the cursor {text!r} belongs to another list")
    for one in keys:
        if isinstance(one, str) and not _is_text(one):
            raise InvalidInput(f"the cursor {text!r} belongs to another list")
    return tuple(keys)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # JSON can encode a lone surrogate
        return False
    return "\x00" not in value
