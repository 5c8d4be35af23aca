"""Folds "make that token" and "let nobody use it any more"; no order holds a secret."""

from __future__ import annotations

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox import Order
from catalog.orders.work import Result, Work

_FIND = "SELECT 1 FROM tokens WHERE token_id = $token_id"


def fold_create(work: Work, order: Order) -> Result:
    """Remember a token of the order's tenant."""
    body = order.body()
    if work.ask(_FIND, token_id=body["token_id"]):
        raise InvalidInput(f"there is a token {body['token_id']!r} already")
    work.ask(
        "INSERT INTO tokens VALUES ($token_id, $tenant, $role, $note, $sha256, $now,"
        " make_timestamp($expires_us::BIGINT), NULL)",
        **{**body, "now": order.given_at},
    )
    return {}


def fold_revoke(work: Work, order: Order) -> Result:
    """Remember since when a token is refused; the first moment stays."""
    token_id = order.body()["token_id"]
    if not work.ask(f"{_FIND} AND tenant = $tenant", token_id=token_id):
        raise NotRecorded("token", str(token_id))
    work.ask(
        "UPDATE tokens SET revoked_at = $now"
        " WHERE token_id = $token_id AND tenant = $tenant AND revoked_at IS NULL",
        token_id=token_id,
        now=order.given_at,
    )
    return {}
