"""`entrepot token`: make, list and revoke the tokens that a gateway asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from catalog.access.grants import Grant, Role
from catalog.access.tokens import Token
from catalog.errors import InvalidInput
from catalog.formats.quantities import parse_duration
from cli.terminal.output import PLAIN, Output, open_catalog, show
from cli.terminal.table import Table

Given = Annotated[Output, Parameter(group="Output")]
COLUMNS = ("token", "tenant", "role", "grants", "note", "created", "expires", "state")
WORDS = ("token", "tenant", "role", "grants", "note", "state", "text")
ONCE = "the text is shown this once: keep it where secrets are kept"

app = App(
    name="token",
    help="Make, list or revoke the tokens that a gateway asks for.",
    help_format="plaintext",
)


@app.command
def create(
    *,
    role: Role | None = None,
    grant: tuple[str, ...] = (),
    note: str = "",
    expires: str | None = None,
    tenant: str | None = None,
    output: Given = PLAIN,
) -> None:
    """Make a token and print its text, which nobody can tell again.

    Args:
        role: What it may do in the whole tenant; each role may do what the ones before it may. By
            default reader, or nothing where a grant is given.
        grant: What it may do with a part: ROLE:prefix:PREFIX for resources below a prefix, or
            ROLE:repository:NAME for one repository; repeatable.
        note: For whom or what it is; shown in lists.
        expires: How long it is good for, such as 30d or 12h, or until which date or moment (UTC
            unless it says otherwise); by default until it is revoked.
        tenant: Whose resources it opens; by default ENTREPOT_TENANT.
        output: How to print.
    """
    with open_catalog(output, tenant) as catalog:
        now = datetime.now(UTC)
        ends = None if expires is None else moment(expires, now)
        grants = [Grant.parse(one) for one in grant]
        if role is None and not grants:
            role = Role.READER
        token, text = catalog.tokens.create(role, grants=grants, note=note, expires_at=ends)
        row = (*_row(token, now), text)
        show(Table((*COLUMNS, "text"), [row], WORDS, rest=(ONCE,)), output)


@app.command
def ls(*, tenant: str | None = None, output: Given = PLAIN) -> None:
    """List the tokens of a tenant, the oldest first; revoked and expired ones too.

    Args:
        tenant: Whose tokens; by default ENTREPOT_TENANT.
        output: How to print.
    """
    with open_catalog(output, tenant) as catalog:
        now = datetime.now(UTC)
        rows = [_row(token, now) for token in catalog.tokens.all()]
        show(Table(COLUMNS, rows, WORDS, empty="no token"), output)


@app.command
def revoke(token: str, *, tenant: str | None = None, output: Given = PLAIN) -> None:
    """Let nobody use a token any more.

    Args:
        token: Its id, the 12 digits after `ent_`.
        tenant: Whose token it is; by default ENTREPOT_TENANT.
        output: How to print.
    """
    with open_catalog(output, tenant) as catalog:
        # Whoever gives a token's whole text shall not read its secret in an error.
        found = catalog.tokens.revoke(token.removeprefix("ent_").partition("_")[0])
        show(Table(COLUMNS, [_row(found, datetime.now(UTC))], WORDS), output)


def moment(text: str, now: datetime) -> datetime:
    """Return the moment that a duration from now, or a date, means.

    >>> now = datetime(2026, 5, 1, tzinfo=UTC)
    >>> str(moment("30d", now)), str(moment("2026-12-24", now))
    ('2026-05-31 00:00:00+00:00', '2026-12-24 00:00:00+00:00')
    """
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return named if named.tzinfo else named.replace(tzinfo=UTC)
    try:
        if not text.strip().isdecimal():  # of what unit, one can only guess
            return now + timedelta(seconds=parse_duration(text))
    except (InvalidInput, OverflowError):
        pass
    raise InvalidInput(f"cannot read {text!r}: expected a duration like 30d, or a date")


def _row(token: Token, now: datetime) -> tuple[object, ...]:
    if token.revoked_at is not None:
        state = "revoked"
    else:
        state = "valid" if token.valid_at(now) else "expired"
    return (
        token.token_id,
        token.tenant,
        None if token.role is None else token.role.value,
        tuple(str(one) for one in token.grants if one.name),
        token.note,
        token.created_at,
        token.expires_at,
        state,
    )
