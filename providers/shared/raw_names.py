# ruff: noqa: RUF002 - the mark itself
r"""Names that are no UTF-8, in a printable form: the byte E9 as '‛E9', as rclone writes it.

Local folders, SFTP and FTP carry any bytes. The catalog, reports and every other storage carry
text. So a listing tells such a name in this form, and the storage that told it turns it back.
Both ways lose nothing: a '‛' that could be read as the start of such a byte is doubled.

>>> printable(b"caf\xe9".decode("utf-8", "surrogateescape"))
'caf‛E9'
>>> raw("caf‛E9").encode("utf-8", "surrogateescape")
b'caf\xe9'
"""

from __future__ import annotations

import re

MARK = "\u201b"  # single high-reversed-9 quotation mark
_DOUBLED = re.compile(f"{MARK}(?=[{MARK}\udc80-\udcff]|[89A-F][0-9A-F])")
_BYTE = re.compile("[\udc80-\udcff]")
_WRITTEN = re.compile(f"{MARK}(?:{MARK}|([89A-F][0-9A-F]))")
_SURROGATE = 0xDC00  # a byte that is no UTF-8 decodes to this plus itself


def printable(name: str) -> str:
    """Return a name as the operating system gives it, in a form that can be stored and shown."""
    if name.isascii():
        return name
    if MARK in name:
        name = _DOUBLED.sub(MARK * 2, name)
    return _BYTE.sub(lambda found: f"{MARK}{ord(found[0]) - _SURROGATE:02X}", name)


def raw(path: str) -> str:
    """Return a path as the operating system takes it; its odd bytes are surrogates."""
    if MARK not in path:
        return path
    return _WRITTEN.sub(
        lambda found: chr(_SURROGATE + int(found[1], 16)) if found[1] else MARK, path
    )


def holds_bytes(path: str) -> bool:
    """Say whether a path in the printable form stands for a name that is no UTF-8."""
    return MARK in path and not raw(path).isascii() and _BYTE.search(raw(path)) is not None
