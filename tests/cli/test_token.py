"""`entrepot token` on the command line: made, listed, revoked, for one tenant or another."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.access.grants import Role
from catalog.access.tokens import verify_token
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from cli.app import app
from cli.catalog.tokens import parse_expiry
from cli.terminal.exit_codes import ExitCode

Told = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """Return what runs `entrepot token` here and gives its exit code, stdout and stderr."""
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog.duckdb"))

    def tell(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            app()(["token", *words])
        printed = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, printed.out, printed.err

    return tell


def made(told: Told, *words: str) -> dict[str, Any]:
    """Make a token, and return what is told of it."""
    code, out, _ = told("create", *words, "--json")
    assert code == ExitCode.SUCCESS
    (row,) = json.loads(out)
    return dict(row)


def test_a_token_is_made_and_its_text_works(told: Told) -> None:
    row = made(told, "--role", "writer", "--note", "ci", "--expires", "30d")
    token = verify_token(Catalog.open().tokens.of_all_tenants(), row["text"], datetime.now(UTC))
    assert token is not None
    assert (token.token_id, token.role, token.note) == (row["token"], Role.WRITER, "ci")
    assert token.expires_at is not None
    assert timedelta(days=29) < token.expires_at - token.created_at <= timedelta(days=30)


def test_without_options_it_reads_and_lasts_and_says_that_the_text_is_shown_once(
    told: Told,
) -> None:
    code, out, _ = told("create")
    assert code == ExitCode.SUCCESS
    assert "reader" in out
    assert "shown only once" in out
    (token,) = Catalog.open().tokens.all()
    assert token.expires_at is None
    listed = told("ls")[1]
    assert token.token_id in listed
    assert "ent_" not in listed


def test_a_token_is_revoked_by_its_id_or_its_text(told: Told) -> None:
    first, second = made(told), made(told)
    for row, word in ((first, first["token"]), (second, second["text"])):
        code, out, _ = told("revoke", word, "--json")
        assert code == ExitCode.SUCCESS
        assert [one["state"] for one in json.loads(out)] == ["revoked"]
        assert (
            verify_token(Catalog.open().tokens.of_all_tenants(), row["text"], datetime.now(UTC))
            is None
        )
    assert [one["state"] for one in json.loads(told("ls", "--json")[1])] == ["revoked"] * 2


def test_what_cannot_be_revoked_is_named_without_its_secret(told: Told) -> None:
    made(told)
    code, _, error = told("revoke", "ent_0123456789ab_topsecret")
    assert code == ExitCode.USAGE
    assert "0123456789ab" in error
    assert "topsecret" not in error


def test_each_tenant_sees_its_own(told: Told) -> None:
    mine, theirs = made(told), made(told, "--tenant", "lab")
    assert (mine["tenant"], theirs["tenant"]) == ("default", "lab")
    for row, words in ((mine, ()), (theirs, ("--tenant", "lab"))):
        assert [one["token"] for one in json.loads(told("ls", *words, "--json")[1])] == [
            row["token"]
        ]
    assert told("revoke", theirs["token"])[0] == ExitCode.USAGE
    assert told("revoke", theirs["token"], "--tenant", "lab")[0] == ExitCode.SUCCESS
    assert "no token" in told("ls", "--tenant", "nobody")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--role", "owner"),
        ("create", "--expires", "30"),
        ("create", "--expires", "soon"),
        ("create", "--expires", "2020-01-01"),
        ("create", "--tenant", ""),
    ],
    ids=" ".join,
)
def test_what_cannot_be_made_is_refused(told: Told, words: tuple[str, ...]) -> None:
    code, out, error = told(*words)
    assert code == ExitCode.USAGE
    assert (out, bool(error)) == ("", True)
    assert Catalog.open().tokens.all() == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30d", NOW + timedelta(days=30)),
        ("1 d 12 h", NOW + timedelta(hours=36)),
        ("2026-12-24", datetime(2026, 12, 24, tzinfo=UTC)),
        ("2026-12-24T18:00+01:00", datetime(2026, 12, 24, 17, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_duration_or_a_date(text: str, meant: datetime) -> None:
    assert parse_expiry(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "30", "9999999999w", "tomorrow"])
def test_any_other_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="duration"):
        parse_expiry(text, NOW)


def test_a_token_is_made_for_parts_of_a_tenant(told: Told) -> None:
    words = ("--grant", "writer:prefix:models/", "--grant", "reader:repository:mirror")
    part = made(told, *words)
    assert (part["role"], part["grants"]) == (
        None,
        ["reader:repository:mirror", "writer:prefix:models"],
    )
    both = made(told, "--role", "reader", *words[:2])
    assert (both["role"], both["grants"]) == ("reader", ["writer:prefix:models"])
    assert made(told)["grants"] == []
    listed = told("ls")[1]
    assert "reader:repository:mirror, writer:prefix:models" in listed
    code, _, error = told("create", "--grant", "writer:models")
    assert code == ExitCode.USAGE
    assert "expected ROLE:prefix:PREFIX" in error
