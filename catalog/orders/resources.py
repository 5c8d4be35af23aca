"""Folds changes of resources: versions that are added, copied or deleted, and properties.

One order may delete and add, so that a move is seen whole or not at all. Each step is one statement
for all versions that an order names, in the engine: readers wait for it, and a row of Python for
each of ten thousand versions would take a second.
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


def apply_changes(work: Transaction, order: Order) -> Result:
    """Delete, then add; refuse what is not there, and a number that was given before."""
    body = cast("dict[str, Any]", order.body())
    wanted: Wanted = [(str(one["name"]), one["version"]) for one in body["remove"]]
    every, copying = cast("Added", body["add"]), cast("dict[str, Any] | None", body.get("copy"))
    names = {name for name, _ in wanted} | {str(one["name"]) for one in every}
    if copying is not None:
        names.add(str(copying["to"]))
    named = {name: path_key(work.tenant, name) for name in names}
    _check_expected_version(work, body.get("stands_on"))
    removed = _select_removals(work, wanted, named)
    _check_numbers_free(work, every, named)
    if copying is not None:
        _check_copy(work, copying)
    addresses = {one["address"] for one in every}
    if removed:
        addresses |= {one for (one,) in work.query("SELECT DISTINCT address FROM removing")}
    places = cast("dict[str, str]", body["places"])
    lying_at = [str(one) for one in addresses if one is not None]
    keys = {one: work.ensure_repository(places.get(one, one), order) for one in lying_at}
    if copying is not None:
        _copy_versions(work, copying)  # not after: what is moved is gone then
    if removed:
        work.run_script("resource_remove")
    if every:
        _add_versions(work, order, every, named, keys)
    if removed:
        lying = [{"address": one, "place": key} for one, key in keys.items()]
        # not before: what is moved shares the bytes
        work.run_script("resource_discard", places=json.dumps(lying), now=order.submitted_at)
    work.run_script(
        "resource_latest", rows=_keys_and_numbers(named, ((name, None) for name in sorted(names)))
    )
    return {"removed": removed}


def apply_properties(work: Transaction, order: Order) -> Result:
    """Replace the properties of one version."""
    body = order.body()
    name, version = str(body["name"]), int(str(body["version"]))
    key = path_key(work.tenant, name)
    _select_removals(work, [(name, version)], {name: key})  # refuses what is not there
    work.query(
        "UPDATE resources SET properties = $properties"
        " WHERE tenant = $tenant AND nkey = $nkey::UUID AND version = $version",
        nkey=key,
        version=version,
        properties=json.dumps(body["properties"]),
    )
    return {}


def apply_removed(work: Transaction, order: Order) -> Result:
    """Forget discarded bytes that are gone from their storage."""
    body = order.body()
    work.run_script("resource_forget", address=body["address"], paths=json.dumps(body["paths"]))
    return {}


def _select_removals(work: Transaction, wanted: Wanted, named: dict[str, str]) -> Gone:
    """Gather the versions that are named, all of a name where none is, and return them."""
    if not wanted:
        return []
    work.run_script("resource_named", rows=_keys_and_numbers(named, wanted))
    found = cast("Gone", work.query("SELECT name, version FROM removing ORDER BY name, version"))
    names, numbers = {name for name, _ in found}, set(found)
    for name, version in wanted:
        if name not in names or (version is not None and (name, version) not in numbers):
            told = name if version is None else f"{name} version {version}"
            raise NotRecorded("resource", told)
    return found


def _check_expected_version(work: Transaction, stands_on: dict[str, Any] | None) -> None:
    if stands_on is None:
        return
    name = str(stands_on["name"])
    query = (
        "SELECT max(version) FROM resources WHERE tenant = $tenant AND nkey = $nkey::UUID"
        " AND name = $name"
    )
    (latest,) = work.query(query, nkey=path_key(work.tenant, name), name=name)[0]
    if latest != stands_on["version"]:
        raise ContentConflict(f"the resource {name!r} has changed since it was looked at")


def _check_numbers_free(work: Transaction, every: Added, named: dict[str, str]) -> None:
    # A lower number that is free was never given to anything: another upload was faster.
    if not every:
        return
    rows = _keys_and_numbers(named, ((str(one["name"]), one["version"]) for one in every))
    taken = work.query(statements.load_sql("resource_taken"), rows=rows)
    if taken:
        nkey, version, highest = taken[0]
        name = next(one for one, key in named.items() if key == nkey)
        raise _number_taken(name, version, highest)


def _number_taken(name: str, version: int, highest: int) -> ContentConflict:
    return ContentConflict(
        f"the resource {name!r} had a version {version} already; the highest is {highest}"
    )


def _check_copy(work: Transaction, copying: dict[str, Any]) -> None:
    """Refuse numbers that were given before, and versions that are not there any more."""
    name, to, first = str(copying["name"]), str(copying["to"]), int(copying["first"])
    highest = work.count(statements.load_sql("resource_highest"), nkey=path_key(work.tenant, to))
    if highest >= first:
        raise _number_taken(to, first, highest)
    query = (
        "SELECT count(*) FROM resources WHERE tenant = $tenant AND nkey = $nkey::UUID"
        " AND version IN (SELECT unnest(from_json($versions::JSON, '[\"BIGINT\"]')))"
    )
    versions = json.dumps(copying["versions"])
    found = work.count(query, nkey=path_key(work.tenant, name), versions=versions)
    if found != len(copying["versions"]):
        raise NotRecorded("resource", f"{name} as it was a moment ago")


def _copy_versions(work: Transaction, copying: dict[str, Any]) -> None:
    """Give versions of one name to another, whose numbers are claimed from `first` on."""
    to = str(copying["to"])
    work.run_script(
        "resource_copy",
        nkey=path_key(work.tenant, str(copying["name"])),
        to=to,
        to_key=path_key(work.tenant, to),
        first=copying["first"],
        versions=json.dumps(copying["versions"]),
        created_us=copying["created_us"],
    )


def _add_versions(
    work: Transaction, order: Order, every: Added, named: dict[str, str], keys: dict[str, str]
) -> None:
    for one in every:
        lies = one["address"] is not None
        one["nkey"] = named[str(one["name"])]
        one["place"] = keys[one["address"]] if lies else None
        one["place_key"] = path_key(work.tenant, str(one["path"])) if lies else None
    work.run_script("resource_add", rows=json.dumps(every), now=order.submitted_at)


def _keys_and_numbers(named: dict[str, str], every: Iterable[tuple[str, int | None]]) -> str:
    """Return keys and numbers as JSON: a list of ten thousand parameters would take seconds."""
    return json.dumps([{"nkey": named[name], "version": version} for name, version in every])
