"""What may be asked and recorded of tokens.

>>> token, text = catalog.create_token(Role.READER)             # doctest: +SKIP
>>> checked(catalog.known_tokens(), text, datetime.now(UTC))    # doctest: +SKIP
Token(token_id='1f0c9a7e2b44', tenant='default', role=<Role.READER: 'reader'>, ...)
"""

from __future__ import annotations

from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from catalog import script
from catalog.errors import InvalidInput, NotRecorded
from catalog.questions import Questions
from catalog.reading import aware
from catalog.token import KnownToken, Role, Secret, Token
from catalog.version_filter import naive


class Tokens(Questions):
    """The tokens of a catalog: each tenant's own, and all of them for whoever checks them."""

    __slots__ = ()

    def create_token(
        self, role: Role, *, note: str = "", expires_at: datetime | None = None
    ) -> tuple[Token, str]:
        """Make a token of this tenant; return it and its text, which nobody can tell again.

        A moment without a zone is UTC.
        """
        ends = None if expires_at is None else naive(expires_at).replace(tzinfo=UTC)
        if ends is not None and ends <= datetime.now(UTC):
            raise InvalidInput(f"a token that expires at {ends.isoformat()} is of no use any more")
        made = Secret.new()
        self._ask(
            "token-create",
            {
                "token_id": made.token_id,
                "role": role.value,
                "note": note,
                "sha256": made.sha256,
                "expires_us": None if ends is None else int(ends.timestamp() * 1e6),
            },
        )
        with self._reading() as connection:
            (known,) = _known(connection, self._tenant, made.token_id)
        return known.token, made.text

    def tokens(self) -> list[Token]:
        """Return the tokens of this tenant, the oldest first; revoked and expired ones too."""
        with self._reading() as connection:
            return [known.token for known in _known(connection, self._tenant)]

    def revoke_token(self, token_id: str) -> Token:
        """Let nobody use a token of this tenant any more; to revoke it again changes nothing.

        Raises:
            NotRecorded: this tenant has no such token.
        """
        self._ask("token-revoke", {"token_id": token_id})
        with self._reading() as connection:
            found = _known(connection, self._tenant, token_id)
        if not found:
            raise NotRecorded("token", token_id)
        return found[0].token

    def known_tokens(self) -> dict[str, KnownToken]:
        """Return every tenant's tokens by their ids, for `catalog.token.checked`."""
        with self._reading() as connection:
            return {known.token.token_id: known for known in _known(connection)}


def _known(
    connection: DuckDBPyConnection, owner: str | None = None, token_id: str | None = None
) -> list[KnownToken]:
    query = script.text("token_known")
    rows = script.ask(connection, query, owner=owner, token_id=token_id)
    return [_one(row) for row in rows]


def _one(row: script.Row) -> KnownToken:
    sha256, token_id, tenant, role, note, *moments = row
    created_at, expires_at, revoked_at = (one and aware(one) for one in moments)
    token = Token(token_id, tenant, Role(role), note, created_at, expires_at, revoked_at)
    return KnownToken(token, sha256)
