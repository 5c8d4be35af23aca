"""Tokens: shown once, kept as a digest, checked, expired, revoked; each tenant its own."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.errors import CatalogTimeout, InvalidInput, NotRecorded
from catalog.lock import Hold, Turnstile
from catalog.store import Catalog
from catalog.token import KnownToken, Role, Token, checked
from tests.catalog.desk import Desk, file


@pytest.fixture
def other(catalog: Catalog) -> Catalog:
    """Return the same catalog as another tenant sees it."""
    return Catalog(catalog.path, tenant="other")


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


def test_a_token_is_recorded_and_checked(catalog: Catalog) -> None:
    soon = now() + timedelta(days=30)
    token, text = catalog.create_token(Role.WRITER, note="ci of the lab", expires_at=soon)

    assert re.fullmatch(r"ent_[0-9a-f]{12}_[\w-]{43}", text)
    assert text.split("_", 2)[1] == token.token_id
    assert (token.tenant, token.role, token.note) == ("default", Role.WRITER, "ci of the lab")
    assert token.expires_at == soon
    assert abs(now() - token.created_at) < timedelta(minutes=1)
    assert catalog.tokens() == [token]
    assert checked(catalog.known_tokens(), text, now()) == token


def test_no_text_of_a_token_is_on_the_disk_or_in_a_repr(desk: Desk, tmp_path: Path) -> None:
    token, text = desk.catalog.create_token(Role.ADMIN)
    desk.sync([file("a")])
    secret = text.split("_", 2)[2].encode()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(token.token_id.encode() in content for content in written)
    assert not any(secret in content for content in written)
    (known,) = desk.catalog.known_tokens().values()
    assert known.sha256 not in repr(known)


def test_an_order_that_waits_holds_a_digest_and_no_secret(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb", timeout_s=0.05)
    folder = tmp_path / "catalog.duckdb.d"
    with Turnstile(folder, 1).hold(Hold.ALONE), pytest.raises(CatalogTimeout):
        catalog.create_token(Role.ADMIN)
    (order,) = folder.glob("inbox/*.token-create.*")
    body = json.loads(order.read_text())
    assert set(body) == {"token_id", "role", "note", "sha256", "expires_us"}
    assert len(body["sha256"]) == 64


def test_a_wrong_text_is_refused(catalog: Catalog) -> None:
    _, text = catalog.create_token(Role.READER)
    _, second = catalog.create_token(Role.READER)
    known = catalog.known_tokens()
    (_, token_id, secret), (_, other_id, _) = text.split("_", 2), second.split("_", 2)
    for wrong in (
        "",
        "ent_",
        "ent__",
        secret,
        f"ent_{token_id}_",
        f"ent_{token_id}_{secret[:-1]}",
        f"ent_{token_id}_{secret}x",
        f"ent_{token_id}_{secret}\n",
        f"ent_{other_id}_{secret}",
        f"ent_{'0' * 12}_{secret}",
        f"ent_{token_id}_{known[token_id].sha256}",
        f"ent_{token_id}_{'é' * 43}",
    ):
        assert checked(known, wrong, now()) is None
    assert checked({}, text, now()) is None


def test_an_expired_token_is_refused(catalog: Catalog) -> None:
    ends = now() + timedelta(hours=1)
    token, text = catalog.create_token(Role.READER, expires_at=ends)
    known = catalog.known_tokens()
    assert checked(known, text, ends - timedelta(microseconds=1)) == token
    assert checked(known, text, ends) is None


def test_a_token_that_would_be_expired_is_not_made(catalog: Catalog) -> None:
    with pytest.raises(InvalidInput, match="of no use"):
        catalog.create_token(Role.READER, expires_at=now())
    assert catalog.tokens() == []


def test_a_revoked_token_is_refused_from_then_on(catalog: Catalog) -> None:
    token, text = catalog.create_token(Role.READER)
    kept, other_text = catalog.create_token(Role.READER)
    revoked = catalog.revoke_token(token.token_id)
    assert revoked.revoked_at is not None
    assert catalog.revoke_token(token.token_id) == revoked
    known = catalog.known_tokens()
    assert checked(known, text, now()) is None
    assert checked(known, other_text, now()) == kept
    assert catalog.tokens() == [revoked, kept]


def test_each_tenant_has_its_own_tokens_and_a_gateway_knows_all(
    catalog: Catalog, other: Catalog
) -> None:
    mine, text = catalog.create_token(Role.READER)
    theirs, other_text = other.create_token(Role.ADMIN)
    assert (catalog.tokens(), other.tokens()) == ([mine], [theirs])
    for one in (catalog, other):
        known = one.known_tokens()
        assert set(known) == {mine.token_id, theirs.token_id}
        assert checked(known, text, now()) == mine
        assert checked(known, other_text, now()) == theirs
    assert theirs.tenant == "other"
    with pytest.raises(NotRecorded, match=theirs.token_id):
        catalog.revoke_token(theirs.token_id)
    assert checked(catalog.known_tokens(), other_text, now()) == theirs


def test_a_token_that_is_not_there_cannot_be_revoked(catalog: Catalog) -> None:
    with pytest.raises(NotRecorded, match="0123"):
        catalog.revoke_token("0123")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_allows_what_the_ones_before_it_allow(role: Role, needed: Role) -> None:
    ranks = ("reader", "writer", "admin")
    assert role.allows(needed) == (ranks.index(role) >= ranks.index(needed))


def test_a_token_is_valid_while_neither_expired_nor_revoked() -> None:
    moment = now()
    token = Token("0" * 12, "default", Role.READER, "", moment)
    assert token.valid_at(moment)
    assert KnownToken(token, "x").token == token
