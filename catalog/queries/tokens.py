"""Tokens: those of a tenant, and those of all tenants, for verification.

>>> token, text = catalog.tokens.create(Role.READER)            # doctest: +SKIP
>>> verify_token(catalog.tokens.of_all_tenants(), text, datetime.now(UTC))  # doctest: +SKIP
Token(token_id='1f0c9a7e2b44', tenant='default', grants=(Grant(role=<Role.READER: 'reader'>, ...
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from catalog.access.grants import Grant, Role, grants_of_new_token
from catalog.access.grants import parse_recorded as recorded
from catalog.access.tokens import KnownToken, Secret, Token
from catalog.catalog_file import CatalogFile
from catalog.errors import InvalidInput, NotRecorded
from catalog.filters.versions import to_naive_utc
from catalog.store import statements


class Tokens:
    """The tokens of a catalog."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def create(
        self,
        role: Role | None,
        *,
        grants: Iterable[Grant] = (),
        note: str = "",
        expires_at: datetime | None = None,
    ) -> tuple[Token, str]:
        """Create a token of this tenant; return it and its text, which is not stored.

        Args:
            role: Its role in the whole tenant; None for none.
            grants: Further roles, below prefixes or in single repositories.
            note: Who or what it is for.
            expires_at: When it expires; a time without a zone is UTC.
        """
        allowed = grants_of_new_token(role, grants)
        ends = None if expires_at is None else to_naive_utc(expires_at).replace(tzinfo=UTC)
        if ends is not None and ends <= datetime.now(UTC):
            raise InvalidInput(f"a token must expire in the future, found {ends.isoformat()}")
        secret = Secret.new()
        self._file.submit_and_wait(
            "token-create",
            {
                "token_id": secret.token_id,
                "grants": [[grant.role, grant.reach, grant.name] for grant in allowed],
                "note": note,
                "sha256": secret.sha256,
                "expires_us": None if ends is None else int(ends.timestamp() * 1e6),
            },
        )
        with self._file.connect_flushed() as connection:
            (known,) = _read_tokens(connection, self._file.tenant, secret.token_id)
        return known.token, secret.text

    def all(self) -> list[Token]:
        """Return the tokens of this tenant, the oldest first; revoked and expired ones too."""
        with self._file.connect_flushed() as connection:
            return [known.token for known in _read_tokens(connection, self._file.tenant)]

    def revoke(self, token_id: str) -> Token:
        """Revoke a token of this tenant; repeating it changes nothing.

        Raises:
            NotRecorded: this tenant has no such token.
        """
        self._file.submit_and_wait("token-revoke", {"token_id": token_id})
        with self._file.connect_flushed() as connection:
            tokens = _read_tokens(connection, self._file.tenant, token_id)
        if not tokens:
            raise NotRecorded("token", token_id)
        return tokens[0].token

    def of_all_tenants(self) -> dict[str, KnownToken]:
        """Return every tenant's tokens by id, for `catalog.access.tokens.verify_token`."""
        with self._file.connect_flushed() as connection:
            return {known.token.token_id: known for known in _read_tokens(connection)}


def _read_tokens(
    connection: DuckDBPyConnection, owner: str | None = None, token_id: str | None = None
) -> list[KnownToken]:
    query = statements.load_sql("resources/tokens")
    rows = statements.fetch_rows(connection, query, owner=owner, token_id=token_id)
    return [_token_from_row(row) for row in rows]


def _token_from_row(row: statements.Row) -> KnownToken:
    sha256, token_id, tenant, note, *moments, grants = row
    created_at, expires_at, revoked_at = (
        moment and statements.as_utc(moment) for moment in moments
    )
    every = tuple(one for each in grants if (one := recorded(*each)) is not None)
    token = Token(token_id, tenant, every, note, created_at, expires_at, revoked_at)
    return KnownToken(token, sha256)
