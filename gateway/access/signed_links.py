"""Signed links of the gateway: whoever has one reads one file for a while, without a token.

A link is of the token that made it, and ends with it: revoked or expired, the link is too. To
remove the key's file ends every link; a new one is made for the next.

>>> from urllib.parse import parse_qsl
>>> key = LinkKey(bytes(32))
>>> query = dict(parse_qsl(key.signed("/content/acme/models/a.bin", 2_000_000_000, "1f0c9a7e2b44")))
>>> key.maker("/content/acme/models/a.bin", query, now=1_999_999_999)
'1f0c9a7e2b44'
>>> key.maker("/content/acme/models/b.bin", query, now=1_999_999_999) is None
True
>>> key.maker("/content/acme/models/a.bin", query, now=2_000_000_000) is None
True
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

BYTES = 32
FILE = "link.key"
NOBODY = "-"
"""The maker of a link that was made without a token, by an open gateway."""


@dataclass(frozen=True, slots=True)
class LinkKey:
    """What links are signed with: whoever has it can make any."""

    secret: bytes = field(repr=False)

    @staticmethod
    def made(folder: Path) -> bool:
        """Say whether there is a key."""
        return (folder / FILE).exists()

    @classmethod
    def beside(cls, folder: Path) -> LinkKey:
        """Return the key of a catalog, made once; to remove its file ends every link."""
        file = folder / FILE
        draft = folder / "tmp" / f"link.{os.getpid()}.{secrets.token_hex(4)}"
        if not file.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(secrets.token_bytes(BYTES))
            try:
                file.hardlink_to(draft)
            except FileExistsError:
                pass  # another process was faster
            finally:
                draft.unlink()
        return cls(file.read_bytes())

    def signed(self, path: str, expires: int, maker: str = NOBODY) -> str:
        """Return the query that lets whoever shows it read a path until a moment, in seconds.

        `maker` is the id of the token that vouches for it.
        """
        signature = self._signature(path, str(expires), maker)
        return urlencode({"expires": expires, "by": maker, "signature": signature})

    def maker(self, path: str, query: Mapping[str, str], now: float) -> str | None:
        """Return who made the link to this path that a query is; None where it is none, or over."""
        expires, signature = query.get("expires", ""), query.get("signature", "")
        maker = query.get("by", "")
        right = hmac.compare_digest(
            self._signature(path, expires, maker).encode(), signature.encode(errors="replace")
        )
        plain = expires.isascii() and expires.isdigit() and len(expires) < 16
        return maker if right and plain and now < int(expires) else None

    def _signature(self, path: str, expires: str, maker: str) -> str:
        text = f"{path}\x1f{expires}\x1f{maker}".encode(errors="surrogatepass")
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()


class LinkKeys:
    """The key of a catalog's links, as its file has it now."""

    def __init__(self, folder: Path) -> None:
        """Look into `folder`."""
        self._folder = folder
        self._known: tuple[tuple[int, ...], LinkKey] | None = None

    def current(self) -> LinkKey | None:
        """Return the key; None where its file was removed: no link holds then."""
        try:
            status = os.stat(self._folder / FILE)  # noqa: PTH116 - asked with each request
        except FileNotFoundError:
            return None
        state = (status.st_mtime_ns, status.st_ino, status.st_size, status.st_ctime_ns)
        known = self._known
        if known is not None and known[0] == state:
            return known[1]
        try:
            key = LinkKey((self._folder / FILE).read_bytes())
        except FileNotFoundError:
            return None
        if len(key.secret) < BYTES:  # emptied, or cut: anybody could guess it
            return None
        self._known = (state, key)
        return key

    def made(self) -> LinkKey:
        """Return the key, made anew where there is none."""
        return self.current() or LinkKey.beside(self._folder)
