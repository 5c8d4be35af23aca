"""A token: a text that whoever shows it may act with, in one tenant, as its grants allow.

>>> from datetime import UTC
>>> from catalog.access.grants import Grant
>>> now = datetime(2026, 5, 1, tzinfo=UTC)
>>> made = Secret.new()
>>> token = Token(made.token_id, "default", (Grant(Role.WRITER),), "", now)
>>> known = {made.token_id: KnownToken(token, made.sha256)}
>>> checked(known, made.text, now) == token, checked(known, made.text[:-1], now)
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

ID_BYTES = 6  # 12 hex digits: it names the token, and is no secret
SECRET_BYTES = 32
_TOKEN_PATTERN = re.compile(r"ent_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_UNKNOWN_TOKEN_HASH = hashlib.sha256(secrets.token_bytes(SECRET_BYTES)).hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token but for its secret."""

    token_id: str
    tenant: str
    grants: Grants
    note: str
    created_at: datetime
    expires_at: datetime | None = None  # None: never
    revoked_at: datetime | None = None

    @property
    def role(self) -> Role | None:
        """Return what it may do in the whole tenant; None where it reaches only parts of it."""
        return tenant_role(self.grants)

    def valid_at(self, now: datetime) -> bool:
        """Say whether the token is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token, and the sha256 (hex) that its secret must have."""

    token: Token
    sha256: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secret:
    """A new token's text, which is shown once; only `sha256` of its secret is kept."""

    token_id: str
    text: str = field(repr=False)
    sha256: str = field(repr=False)

    @classmethod
    def new(cls) -> Secret:
        """Make one out of randomness."""
        token_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        return cls(token_id, f"ent_{token_id}_{secret}", _sha256(secret))


def verify_token(known: Mapping[str, KnownToken], text: str, now: datetime) -> Token | None:
    """Return the token that a text is of, if it is known, of that secret, and valid now.

    How long it takes tells neither how much of a secret was right, nor whether the id is known.
    """
    found = _TOKEN_PATTERN.fullmatch(text)
    token_id, secret = found.groups() if found else ("", "")
    one = known.get(token_id)
    same = hmac.compare_digest(_sha256(secret), _UNKNOWN_TOKEN_HASH if one is None else one.sha256)
    if one is None or not same or not one.token.valid_at(now):
        return None
    return one.token


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
