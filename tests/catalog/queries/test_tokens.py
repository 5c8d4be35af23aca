"""Tokens: shown once, kept as a digest, checked, expired, revoked; each tenant its own."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from catalog.access.grants import (
    Grant,
    GrantScope,
    OfRepository,
    OfResource,
    OfTenant,
    Role,
    Thing,
    allows,
)
from catalog.access.tokens import KnownToken, Secret, Token, verify_token
from catalog.catalog import Catalog
from catalog.errors import CatalogTimeout, InvalidInput, NotRecorded
from catalog.inbox.queue import Inbox
from catalog.store.lock import CatalogLock, Hold
from catalog.store.migrate import FOLDER, Migration, migrate
from tests.catalog.catalog_steps import CatalogSteps, file


@pytest.fixture
def other(catalog: Catalog) -> Catalog:
    """Return the same catalog as another tenant sees it."""
    return Catalog(catalog.path, tenant="other")


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


def test_a_token_is_recorded_and_checked(catalog: Catalog) -> None:
    soon = now() + timedelta(days=30)
    token, text = catalog.tokens.create(Role.WRITER, note="ci of the lab", expires_at=soon)

    assert re.fullmatch(r"ent_[0-9a-f]{12}_[\w-]{43}", text)
    assert text.split("_", 2)[1] == token.token_id
    assert (token.tenant, token.role, token.note) == ("default", Role.WRITER, "ci of the lab")
    assert token.expires_at == soon
    assert abs(now() - token.created_at) < timedelta(minutes=1)
    assert catalog.tokens.all() == [token]
    assert verify_token(catalog.tokens.of_all_tenants(), text, now()) == token


def test_no_text_of_a_token_is_on_the_disk_or_in_a_repr(desk: CatalogSteps, tmp_path: Path) -> None:
    token, text = desk.catalog.tokens.create(Role.ADMIN)
    desk.sync([file("a")])
    secret = text.split("_", 2)[2].encode()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(token.token_id.encode() in content for content in written)
    assert not any(secret in content for content in written)
    (known,) = desk.catalog.tokens.of_all_tenants().values()
    assert known.sha256 not in repr(known)


def test_an_order_that_waits_holds_a_digest_and_no_secret(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb", timeout_s=0.05)
    folder = tmp_path / "catalog.duckdb.d"
    with CatalogLock(folder, 1).hold(Hold.ALONE), pytest.raises(CatalogTimeout):
        catalog.tokens.create(Role.ADMIN)
    (order,) = folder.glob("inbox/*.token-create.*")
    body = json.loads(order.read_text())
    assert set(body) == {"token_id", "grants", "note", "sha256", "expires_us"}
    assert len(body["sha256"]) == 64


def test_a_wrong_text_is_refused(catalog: Catalog) -> None:
    _, text = catalog.tokens.create(Role.READER)
    _, second = catalog.tokens.create(Role.READER)
    known = catalog.tokens.of_all_tenants()
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
        assert verify_token(known, wrong, now()) is None
    assert verify_token({}, text, now()) is None


def test_an_expired_token_is_refused(catalog: Catalog) -> None:
    ends = now() + timedelta(hours=1)
    token, text = catalog.tokens.create(Role.READER, expires_at=ends)
    known = catalog.tokens.of_all_tenants()
    assert verify_token(known, text, ends - timedelta(microseconds=1)) == token
    assert verify_token(known, text, ends) is None


def test_a_token_that_would_be_expired_is_not_made(catalog: Catalog) -> None:
    with pytest.raises(InvalidInput, match="must expire in the future"):
        catalog.tokens.create(Role.READER, expires_at=now())
    assert catalog.tokens.all() == []


def test_a_revoked_token_is_refused_from_then_on(catalog: Catalog) -> None:
    token, text = catalog.tokens.create(Role.READER)
    kept, other_text = catalog.tokens.create(Role.READER)
    revoked = catalog.tokens.revoke(token.token_id)
    assert revoked.revoked_at is not None
    assert catalog.tokens.revoke(token.token_id) == revoked
    known = catalog.tokens.of_all_tenants()
    assert verify_token(known, text, now()) is None
    assert verify_token(known, other_text, now()) == kept
    assert catalog.tokens.all() == [revoked, kept]


def test_each_tenant_has_its_own_tokens_and_a_gateway_knows_all(
    catalog: Catalog, other: Catalog
) -> None:
    mine, text = catalog.tokens.create(Role.READER)
    theirs, other_text = other.tokens.create(Role.ADMIN)
    assert (catalog.tokens.all(), other.tokens.all()) == ([mine], [theirs])
    for one in (catalog, other):
        known = one.tokens.of_all_tenants()
        assert set(known) == {mine.token_id, theirs.token_id}
        assert verify_token(known, text, now()) == mine
        assert verify_token(known, other_text, now()) == theirs
    assert theirs.tenant == "other"
    with pytest.raises(NotRecorded, match=theirs.token_id):
        catalog.tokens.revoke(theirs.token_id)
    assert verify_token(catalog.tokens.of_all_tenants(), other_text, now()) == theirs


def test_a_token_that_is_not_there_cannot_be_revoked(catalog: Catalog) -> None:
    with pytest.raises(NotRecorded, match="0123"):
        catalog.tokens.revoke("0123")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_allows_what_the_ones_before_it_allow(role: Role, needed: Role) -> None:
    ranks = ("reader", "writer", "admin")
    assert role.allows(needed) == (ranks.index(role) >= ranks.index(needed))


def test_a_token_is_valid_while_neither_expired_nor_revoked() -> None:
    moment = now()
    token = Token("0" * 12, "default", (Grant(Role.READER),), "", moment)
    assert token.valid_at(moment)
    assert KnownToken(token, "x").token == token


def test_a_token_of_an_older_catalog_keeps_its_role_in_the_whole_tenant(tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for path in FOLDER.glob("*.sql"):
        if Migration.from_path(path).number < 13:
            (older / path.name).write_bytes(path.read_bytes())
    path, made = tmp_path / "catalog.duckdb", Secret.new()
    with duckdb.connect(str(path)) as connection:
        migrate(connection, older)
        connection.execute(
            "INSERT INTO tokens VALUES (?, 'lab', 'writer', 'ci', ?, now()::TIMESTAMP, NULL, NULL)",
            [made.token_id, made.sha256],
        )
    found = verify_token(Catalog(path).tokens.of_all_tenants(), made.text, now())
    assert found is not None
    assert (found.tenant, found.grants) == ("lab", (Grant(Role.WRITER),))


def test_an_order_of_an_older_program_gives_one_role_in_the_whole_tenant(catalog: Catalog) -> None:
    body = {"token_id": "0" * 12, "role": "writer", "note": "", "sha256": "ab", "expires_us": None}
    Inbox(catalog.folder, "lab").submit("token-create", body)
    (found,) = catalog.for_tenant("lab").tokens.all()
    assert found.grants == (Grant(Role.WRITER),)


def test_a_token_has_grants_for_prefixes_and_repositories(catalog: Catalog) -> None:
    grants = [Grant.parse("writer:prefix:/models/"), Grant.parse("reader:repository:mirror")]
    token, text = catalog.tokens.create(None, grants=[*grants, grants[0]])
    found = verify_token(catalog.tokens.of_all_tenants(), text, now())
    assert found == token
    assert (token.role, set(token.grants)) == (None, set(grants))
    both, _ = catalog.tokens.create(Role.READER, grants=grants)
    assert both.role is Role.READER
    assert both.grants[0] == Grant(Role.READER)


def test_a_grant_that_this_program_does_not_know_opens_nothing(catalog: Catalog) -> None:
    token, _ = catalog.tokens.create(None, grants=[Grant.parse("admin:prefix:a")])
    with duckdb.connect(str(catalog.path)) as connection:
        connection.execute("UPDATE grants SET reach = 'planet'")
        connection.execute("INSERT INTO grants VALUES (?, 'owner', 'tenant', '')", [token.token_id])
    (found,) = catalog.tokens.all()
    assert found.grants == ()
    things: tuple[Thing, ...] = (OfTenant(), OfResource("a"), OfRepository("a"))
    assert not any(allows(found.grants, Role.READER, one) for one in things)


def test_a_token_that_would_open_nothing_is_not_made(catalog: Catalog) -> None:
    with pytest.raises(InvalidInput, match="needs a role"):
        catalog.tokens.create(None)
    every = [Grant(Role.READER, GrantScope.PREFIX, str(place)) for place in range(101)]
    with pytest.raises(InvalidInput, match="at most 100"):
        catalog.tokens.create(None, grants=every)
    assert catalog.tokens.all() == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "reader", "reader:", "owner:prefix:a", "reader:planet:a", "reader:tenant:"),
        *("reader:prefix:", "reader:prefix:/", "reader:prefix:a/../b", "reader:prefix:a//b"),
        *("reader:repository:", "reader:repository:a/b", "reader:repository:a@1"),
        *("Reader:prefix:a", f"reader:prefix:{'a' * 1025}", "reader:prefix:.entrepot/x"),
    ],
)
def test_a_grant_that_says_no_part_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Grant.parse(text)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("need", Role)
def test_a_grant_reaches_its_own_part_and_no_other(role: Role, need: Role) -> None:
    prefix, repository = (
        Grant(role, GrantScope.PREFIX, "a/b"),
        Grant(role, GrantScope.REPOSITORY, "a"),
    )
    inside: tuple[tuple[Grant, Thing], ...] = (
        (prefix, OfResource("a/b")),
        (prefix, OfResource("a/b/c")),
        (repository, OfRepository("a")),
        (Grant(role), OfTenant()),
        (Grant(role), OfResource("x")),
        (Grant(role), OfRepository("x")),
    )
    outside: tuple[tuple[Grant, Thing], ...] = (
        (prefix, OfResource("a")),
        (prefix, OfResource("a/bc")),
        (prefix, OfResource("A/b")),
        (prefix, OfRepository("a/b")),
        (prefix, OfTenant()),
        (repository, OfRepository("ab")),
        (repository, OfResource("a")),
        (repository, OfTenant()),
    )
    assert [allows([one], need, thing) for one, thing in inside] == [role.allows(need)] * 6
    assert not any(allows([one], need, thing) for one, thing in outside)
