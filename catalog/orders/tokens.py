"""Applies the creation and the revocation of tokens; no order contains a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from catalog.access.grants import GrantScope
from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction

_FIND = "SELECT 1 FROM tokens WHERE token_id = $token_id"


def apply_create(tx: Transaction, order: Order) -> Result:
    """Record a token of the order's tenant."""
    body = order.body()
    if tx.query(_FIND, token_id=body["token_id"]):
        raise InvalidInput(f"the token {body['token_id']!r} exists already")
    token_id = body["token_id"]
    tx.query(
        "INSERT INTO tokens VALUES ($token_id, $tenant, $note, $sha256, $now,"
        " make_timestamp($expires_us::BIGINT), NULL)",
        token_id=token_id,
        note=body["note"],
        sha256=body["sha256"],
        expires_us=body["expires_us"],
        now=order.submitted_at,
    )
    for role, reach, name in _grants(body):
        tx.query(
            "INSERT INTO grants VALUES ($token_id, $role, $reach, $name)",
            token_id=token_id,
            role=role,
            reach=reach,
            name=name,
        )
    return {}


def _grants(body: Mapping[str, object]) -> list[list[str]]:
    """Return a token's grants; an order of an older program has one role in its tenant."""
    if "grants" in body:
        return cast("list[list[str]]", body["grants"])
    return [[str(body["role"]), GrantScope.TENANT, ""]]


def apply_revoke(tx: Transaction, order: Order) -> Result:
    """Record since when a token is revoked; repeating it changes nothing."""
    token_id = order.body()["token_id"]
    if not tx.query(f"{_FIND} AND tenant = $tenant", token_id=token_id):
        raise NotRecorded("token", str(token_id))
    tx.query(
        "UPDATE tokens SET revoked_at = $now"
        " WHERE token_id = $token_id AND tenant = $tenant AND revoked_at IS NULL",
        token_id=token_id,
        now=order.submitted_at,
    )
    return {}
