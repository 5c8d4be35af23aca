"""Signed links: anyone who has one may read one file until it expires, without a token.

A link depends on the token that created it, and becomes invalid when that is revoked or expires.
Removing the key file invalidates every link; a new key is created for the next one.

>>> from urllib.parse import parse_qsl
>>> key = LinkKey(bytes(32))
>>> query = dict(parse_qsl(key.sign("/content/acme/models/a.bin", 2_000_000_000, "1f0c9a7e2b44")))
>>> key.verify("/content/acme/models/a.bin", query, now=1_999_999_999)
'1f0c9a7e2b44'
>>> key.verify("/content/acme/models/b.bin", query, now=1_999_999_999) is None
True
>>> key.verify("/content/acme/models/a.bin", query, now=2_000_000_000) is None
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
"""The maker of a link created without a token, by an open gateway."""


@dataclass(frozen=True, slots=True)
class LinkKey:
    """The key that signs links."""

    secret: bytes = field(repr=False)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether there is a key."""
        return (folder / FILE).exists()

    @classmethod
    def load_or_create(cls, folder: Path) -> LinkKey:
        """Return the key of a catalog, which is created once."""
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

    def sign(self, path: str, expires: int, maker: str = NOBODY) -> str:
        """Return the query of a link to a path that expires at a Unix time.

        `maker` is the id of the token that creates it.
        """
        signature = self._signature(path, str(expires), maker)
        return urlencode({"expires": expires, "by": maker, "signature": signature})

    def verify(self, path: str, query: Mapping[str, str], now: float) -> str | None:
        """Return the maker of a link to a path; None if it is invalid or expired."""
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
    """The current key of a catalog's links."""

    def __init__(self, folder: Path) -> None:
        """Use the key file in `folder`."""
        self._folder = folder
        self._known: tuple[tuple[int, ...], LinkKey] | None = None

    def current(self) -> LinkKey | None:
        """Return the key; None if its file was removed, which invalidates all links."""
        try:
            status = os.stat(self._folder / FILE)  # noqa: PTH116 - called for each request
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
        if len(key.secret) < BYTES:  # truncated, so that it could be guessed
            return None
        self._known = (state, key)
        return key

    def load_or_create(self) -> LinkKey:
        """Return the key, or create one."""
        return self.current() or LinkKey.load_or_create(self._folder)
