"""Tokens: whoever presents the text of one may act in its tenant, as its grants allow.

>>> from datetime import UTC
>>> from catalog.access.grants import Grant
>>> now = datetime(2026, 5, 1, tzinfo=UTC)
>>> made = Secret.new()
>>> token = Token(made.token_id, "default", (Grant(Role.WRITER),), "", now)
>>> known = {made.token_id: KnownToken(token, made.sha256)}
>>> verify_token(known, made.text, now) == token, verify_token(known, made.text[:-1], now)
(True, None)
>>> token.role
<Role.WRITER: 'writer'>
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.access.grants import Grants, Role, tenant_role

ID_BYTES = 6  # 12 hex digits: they name the token and are not secret
SECRET_BYTES = 32
_TOKEN_PATTERN = re.compile(r"ent_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_UNKNOWN_TOKEN_HASH = hashlib.sha256(secrets.token_bytes(SECRET_BYTES)).hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret."""

    token_id: str
    tenant: str
    grants: Grants
    note: str
    created_at: datetime
    expires_at: datetime | None = None  # None: never
    revoked_at: datetime | None = None

    @property
    def role(self) -> Role | None:
        """Return its role in the whole tenant; None where it reaches only parts."""
        return tenant_role(self.grants)

    def valid_at(self, now: datetime) -> bool:
        """Say whether the token is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token, and the expected sha256 (hex) of its secret."""

    token: Token
    sha256: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secret:
    """The text of a new token, shown once; only the `sha256` of its secret is kept."""

    token_id: str
    text: str = field(repr=False)
    sha256: str = field(repr=False)

    @classmethod
    def new(cls) -> Secret:
        """Create a random one."""
        token_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        return cls(token_id, f"ent_{token_id}_{secret}", _sha256(secret))


def verify_token(known: Mapping[str, KnownToken], text: str, now: datetime) -> Token | None:
    """Return the token with this text if its secret is right and it is valid now, else None.

    Runs in constant time: neither a half-right secret nor a known id can be told by timing.
    """
    match = _TOKEN_PATTERN.fullmatch(text)
    token_id, secret = match.groups() if match else ("", "")
    entry = known.get(token_id)
    expected = _UNKNOWN_TOKEN_HASH if entry is None else entry.sha256
    same = hmac.compare_digest(_sha256(secret), expected)
    if entry is None or not same or not entry.token.valid_at(now):
        return None
    return entry.token


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
