# ruff: noqa: RUF002 - the mark itself
r"""File names that are not UTF-8, in a printable form: the byte E9 as '‛E9', as in rclone.

Names in local folders, SFTP and FTP can be any bytes; the catalog, reports and other storages need
text. A listing encodes such names like this, and the storage that listed them decodes them.
The encoding is lossless: a '‛' that could be read as the start of such a byte is doubled.

>>> to_printable(b"caf\xe9".decode("utf-8", "surrogateescape"))
'caf‛E9'
>>> to_raw("caf‛E9").encode("utf-8", "surrogateescape")
b'caf\xe9'
"""

from __future__ import annotations

import re

MARK = "\u201b"  # single high-reversed-9 quotation mark
_DOUBLED = re.compile(f"{MARK}(?=[{MARK}\udc80-\udcff]|[89A-F][0-9A-F])")
_BYTE = re.compile("[\udc80-\udcff]")
_WRITTEN = re.compile(f"{MARK}(?:{MARK}|([89A-F][0-9A-F]))")
_SURROGATE = 0xDC00  # a byte that is not UTF-8 decodes to this plus its value


def to_printable(name: str) -> str:
    """Encode a name from the operating system so that it can be stored and shown."""
    if name.isascii():
        return name
    if MARK in name:
        name = _DOUBLED.sub(MARK * 2, name)
    return _BYTE.sub(lambda found: f"{MARK}{ord(found[0]) - _SURROGATE:02X}", name)


def to_raw(path: str) -> str:
    """Decode a path for the operating system; bytes that are not UTF-8 become surrogates."""
    if MARK not in path:
        return path
    return _WRITTEN.sub(
        lambda found: chr(_SURROGATE + int(found[1], 16)) if found[1] else MARK, path
    )


def has_raw_bytes(path: str) -> bool:
    """Return whether a path in the printable form stands for a name that is not UTF-8."""
    return MARK in path and not to_raw(path).isascii() and _BYTE.search(to_raw(path)) is not None
