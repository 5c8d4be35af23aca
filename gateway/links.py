"""Signed links of the gateway: whoever has one reads one file for a while, without a token.

>>> from urllib.parse import parse_qsl
>>> key = Key(bytes(32))
>>> query = key.signed("/content/acme/models/a.bin", 2_000_000_000)
>>> key.holds("/content/acme/models/a.bin", dict(parse_qsl(query)), now=1_999_999_999)
True
>>> key.holds("/content/acme/models/b.bin", dict(parse_qsl(query)), now=1_999_999_999)
False
>>> key.holds("/content/acme/models/a.bin", dict(parse_qsl(query)), now=2_000_000_000)
False
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


@dataclass(frozen=True, slots=True)
class Key:
    """What links are signed with: whoever has it can make any."""

    secret: bytes = field(repr=False)

    @classmethod
    def beside(cls, folder: Path) -> Key:
        """Return the key of a catalog, made once; to remove its file ends every link."""
        file = folder / "link.key"
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

    def signed(self, path: str, expires: int) -> str:
        """Return the query that lets whoever shows it read a path until a moment, in seconds."""
        return urlencode({"expires": expires, "signature": self._signature(path, str(expires))})

    def holds(self, path: str, query: Mapping[str, str], now: float) -> bool:
        """Say whether a query is that of a link to this path, and not over."""
        expires, signature = query.get("expires", ""), query.get("signature", "")
        right = hmac.compare_digest(
            self._signature(path, expires).encode(), signature.encode(errors="replace")
        )
        return right and expires.isascii() and expires.isdigit() and now < int(expires)

    def _signature(self, path: str, expires: str) -> str:
        text = f"{path}\x1f{expires}".encode(errors="surrogatepass")
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()
