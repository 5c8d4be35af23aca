"""`entrepot token`: create, list and revoke gateway tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cyclopts import App

from catalog.access.grants import Grant, Role
from catalog.access.tokens import Token
from catalog.errors import InvalidInput
from catalog.formats.quantities import parse_duration
from cli.terminal.output import PLAIN, OutputOptions, open_catalog, show
from cli.terminal.table import Table

COLUMNS = ("token", "tenant", "role", "grants", "note", "created", "expires", "state")
TEXT_COLUMNS = ("token", "tenant", "role", "grants", "note", "state", "text")
SHOWN_ONCE = "the text is shown only once: store it with your secrets"

app = App(
    name="token",
    help="Create, list or revoke gateway tokens.",
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
    output: OutputOptions = PLAIN,
) -> None:
    """Create a token and print its text, which is shown only once.

    Args:
        role: Its role in the whole tenant; a writer may also read, an admin may do everything. By
            default reader, or no role if there is a grant.
        grant: Its role in a part of the tenant: ROLE:prefix:PREFIX for resources below a prefix, or
            ROLE:repository:NAME for one repository; repeatable.
        note: Who or what uses it; shown in lists.
        expires: How long it is valid, such as 30d or 12h, or the date or time at which it expires
            (UTC unless it has a zone); by default it is valid until it is revoked.
        tenant: The tenant it gives access to; by default ENTREPOT_TENANT.
        output: Output format.
    """
    with open_catalog(output, tenant) as catalog:
        now = datetime.now(UTC)
        expires_at = None if expires is None else parse_expiry(expires, now)
        grants = [Grant.parse(text) for text in grant]
        if role is None and not grants:
            role = Role.READER
        token, text = catalog.tokens.create(role, grants=grants, note=note, expires_at=expires_at)
        row = (*_row(token, now), text)
        show(Table((*COLUMNS, "text"), [row], TEXT_COLUMNS, notes=(SHOWN_ONCE,)), output)


@app.command
def ls(*, tenant: str | None = None, output: OutputOptions = PLAIN) -> None:
    """List the tokens of a tenant, oldest first, including revoked and expired ones.

    Args:
        tenant: The tenant whose tokens to list; by default ENTREPOT_TENANT.
        output: Output format.
    """
    with open_catalog(output, tenant) as catalog:
        now = datetime.now(UTC)
        rows = [_row(token, now) for token in catalog.tokens.all()]
        show(Table(COLUMNS, rows, TEXT_COLUMNS, empty="no tokens"), output)


@app.command
def revoke(token: str, *, tenant: str | None = None, output: OutputOptions = PLAIN) -> None:
    """Revoke a token, so that it can no longer be used.

    Args:
        token: Its id, the 12 digits after `ent_`.
        tenant: The token's tenant; by default ENTREPOT_TENANT.
        output: Output format.
    """
    with open_catalog(output, tenant) as catalog:
        # If the whole text is given, its secret must not appear in an error.
        revoked = catalog.tokens.revoke(token.removeprefix("ent_").partition("_")[0])
        show(Table(COLUMNS, [_row(revoked, datetime.now(UTC))], TEXT_COLUMNS), output)


def parse_expiry(text: str, now: datetime) -> datetime:
    """Return the time meant by a duration from now, or by a date.

    >>> now = datetime(2026, 5, 1, tzinfo=UTC)
    >>> str(parse_expiry("30d", now)), str(parse_expiry("2026-12-24", now))
    ('2026-05-31 00:00:00+00:00', '2026-12-24 00:00:00+00:00')
    """
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    try:
        if not text.strip().isdecimal():  # a number without a unit is ambiguous
            return now + timedelta(seconds=parse_duration(text))
    except (InvalidInput, OverflowError):
        pass
    raise InvalidInput(f"cannot read the expiry {text!r}: expected a duration like 30d, or a date")


def _row(token: Token, now: datetime) -> tuple[object, ...]:
    if token.revoked_at is not None:
        state = "revoked"
    else:
        state = "valid" if token.valid_at(now) else "expired"
    return (
        token.token_id,
        token.tenant,
        None if token.role is None else token.role.value,
        tuple(str(grant) for grant in token.grants if grant.name),
        token.note,
        token.created_at,
        token.expires_at,
        state,
    )
