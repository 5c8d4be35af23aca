"""Applies changes of resources: versions that are added, copied or deleted, and properties.

One order may delete and add, so that a move is atomic. Each step is one SQL statement for all
versions of an order: readers wait for it, and a Python loop over ten thousand versions would take a
second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from catalog.errors import ContentConflict, NotRecorded
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements
from catalog.store.keys import path_key

Added = list[dict[str, Any]]
Wanted = list[tuple[str, int | None]]
Gone = list[tuple[str, int]]


def apply_changes(tx: Transaction, order: Order) -> Result:
    """Delete, then add; refuse missing versions, and numbers that were used before."""
    body = cast("dict[str, Any]", order.body())
    wanted: Wanted = [(str(one["name"]), one["version"]) for one in body["remove"]]
    every, copying = cast("Added", body["add"]), cast("dict[str, Any] | None", body.get("copy"))
    names = {name for name, _ in wanted} | {str(one["name"]) for one in every}
    if copying is not None:
        names.add(str(copying["to"]))
    named = {name: path_key(tx.tenant, name) for name in names}
    _check_expected_version(tx, body.get("stands_on"))
    removed = _select_removals(tx, wanted, named)
    _check_numbers_free(tx, every, named)
    if copying is not None:
        _check_copy(tx, copying)
    addresses = {one["address"] for one in every}
    if removed:
        addresses |= {one for (one,) in tx.query("SELECT DISTINCT address FROM removing")}
    places = cast("dict[str, str]", body["places"])
    lying_at = [str(address) for address in addresses if address is not None]
    keys = {one: tx.ensure_repository(places.get(one, one), order) for one in lying_at}
    if copying is not None:
        _copy_versions(tx, copying)  # first: a move deletes what it copies
    if removed:
        tx.run_script("resources/remove")
    if every:
        _add_versions(tx, order, every, named, keys)
    if removed:
        lying = [{"address": one, "place": key} for one, key in keys.items()]
        # last: a moved version shares the bytes
        tx.run_script("resources/discard_bytes", places=json.dumps(lying), now=order.submitted_at)
    tx.run_script(
        "resources/latest", rows=_keys_and_numbers(named, ((name, None) for name in sorted(names)))
    )
    return {"removed": removed}


def apply_properties(tx: Transaction, order: Order) -> Result:
    """Replace the properties of one version."""
    body = order.body()
    name, version = str(body["name"]), int(str(body["version"]))
    key = path_key(tx.tenant, name)
    _select_removals(tx, [(name, version)], {name: key})  # refuses what is not there
    tx.query(
        "UPDATE resources SET properties = $properties"
        " WHERE tenant = $tenant AND nkey = $nkey::UUID AND version = $version",
        nkey=key,
        version=version,
        properties=json.dumps(body["properties"]),
    )
    return {}


def apply_removed(tx: Transaction, order: Order) -> Result:
    """Forget discarded bytes that were deleted from their storage."""
    body = order.body()
    tx.run_script("resources/forget", address=body["address"], paths=json.dumps(body["paths"]))
    return {}


def _select_removals(tx: Transaction, wanted: Wanted, named: dict[str, str]) -> Gone:
    """Select the named versions, or all of a name if none is given, and return them."""
    if not wanted:
        return []
    tx.run_script("resources/select_named", rows=_keys_and_numbers(named, wanted))
    selected = cast("Gone", tx.query("SELECT name, version FROM removing ORDER BY name, version"))
    names, numbers = {name for name, _ in selected}, set(selected)
    for name, version in wanted:
        if name not in names or (version is not None and (name, version) not in numbers):
            missing = name if version is None else f"{name} version {version}"
            raise NotRecorded("resource", missing)
    return selected


def _check_expected_version(tx: Transaction, stands_on: dict[str, Any] | None) -> None:
    if stands_on is None:
        return
    name = str(stands_on["name"])
    query = (
        "SELECT max(version) FROM resources WHERE tenant = $tenant AND nkey = $nkey::UUID"
        " AND name = $name"
    )
    (latest,) = tx.query(query, nkey=path_key(tx.tenant, name), name=name)[0]
    if latest != stands_on["version"]:
        raise ContentConflict(f"the resource {name!r} has changed since it was read")


def _check_numbers_free(tx: Transaction, every: Added, named: dict[str, str]) -> None:
    # Numbers only grow: a lower one without a version belongs to an upload that was faster.
    if not every:
        return
    rows = _keys_and_numbers(named, ((str(one["name"]), one["version"]) for one in every))
    taken = tx.query(statements.load_sql("resources/numbers_used"), rows=rows)
    if taken:
        nkey, version, highest = taken[0]
        name = next(one for one, key in named.items() if key == nkey)
        raise _number_taken(name, version, highest)


def _number_taken(name: str, version: int, highest: int) -> ContentConflict:
    return ContentConflict(
        f"version {version} of the resource {name!r} was used already; the highest is {highest}"
    )


def _check_copy(tx: Transaction, copying: dict[str, Any]) -> None:
    """Refuse numbers that were used before, and versions that no longer exist."""
    name, to, first = str(copying["name"]), str(copying["to"]), int(copying["first"])
    highest = tx.count(
        statements.load_sql("resources/highest_number"), nkey=path_key(tx.tenant, to)
    )
    if highest >= first:
        raise _number_taken(to, first, highest)
    query = (
        "SELECT count(*) FROM resources WHERE tenant = $tenant AND nkey = $nkey::UUID"
        " AND version IN (SELECT unnest(from_json($versions::JSON, '[\"BIGINT\"]')))"
    )
    versions = json.dumps(copying["versions"])
    count = tx.count(query, nkey=path_key(tx.tenant, name), versions=versions)
    if count != len(copying["versions"]):
        raise NotRecorded("resource", f"{name} in the state that was to be copied")


def _copy_versions(tx: Transaction, copying: dict[str, Any]) -> None:
    """Copy versions of one name to another, numbered from `first` on."""
    to = str(copying["to"])
    tx.run_script(
        "resources/copy",
        nkey=path_key(tx.tenant, str(copying["name"])),
        to=to,
        to_key=path_key(tx.tenant, to),
        first=copying["first"],
        versions=json.dumps(copying["versions"]),
        created_us=copying["created_us"],
    )


def _add_versions(
    tx: Transaction, order: Order, every: Added, named: dict[str, str], keys: dict[str, str]
) -> None:
    for one in every:
        lies = one["address"] is not None
        one["nkey"] = named[str(one["name"])]
        one["place"] = keys[one["address"]] if lies else None
        one["place_key"] = path_key(tx.tenant, str(one["path"])) if lies else None
    tx.run_script("resources/add", rows=json.dumps(every), now=order.submitted_at)


def _keys_and_numbers(named: dict[str, str], every: Iterable[tuple[str, int | None]]) -> str:
    """Return keys and numbers as JSON: a list of ten thousand parameters takes seconds."""
    return json.dumps([{"nkey": named[name], "version": version} for name, version in every])
