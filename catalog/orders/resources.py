"""Folds changes of resources: versions that are added or deleted, and properties that are set.

One order may delete and add, so that a move is seen whole or not at all.
"""

from __future__ import annotations

import json
from typing import Any, cast

from catalog import script
from catalog.errors import ContentConflict, NotRecorded
from catalog.inbox import Order
from catalog.keys import path_key
from catalog.orders.work import Result, Work
from catalog.resource_version import ResourceVersion


def fold(work: Work, order: Order) -> Result:
    """Delete, then add; refuse what is not there, and a number that was given before."""
    body = cast("dict[str, Any]", order.body())
    removals = [(str(one["name"]), cast("int | None", one["version"])) for one in body["remove"]]
    removed = [row for name, version in removals for row in _found(work, name, version)]
    gone = {(one.name, one.version) for one in removed}
    for one in body["add"]:
        _check_free(work, str(one["name"]), int(one["version"]))
    for name, number in gone:
        work.run("resource_remove", nkey=path_key(work.tenant, name), version=number)
    for kept in removed:
        if kept.address is not None:
            where = {"address": kept.address, "path": kept.path, "now": order.given_at}
            work.run("resource_discard", place=_place(work, order, body, kept.address), **where)
    for one in body["add"]:
        _add(work, order, body, one)
    for name in {*(name for name, _ in removals), *(str(one["name"]) for one in body["add"])}:
        work.run("resource_latest", nkey=path_key(work.tenant, name))
    return {"removed": [one.as_json() for one in removed]}


def fold_properties(work: Work, order: Order) -> Result:
    """Replace the properties of one version."""
    body = order.body()
    name, version = str(body["name"]), int(str(body["version"]))
    _found(work, name, version)
    work.ask(
        "UPDATE resources SET properties = $properties"
        " WHERE tenant = $tenant AND nkey = $nkey::UUID AND version = $version",
        tenant=work.tenant,
        nkey=path_key(work.tenant, name),
        version=version,
        properties=json.dumps(body["properties"]),
    )
    return {}


def fold_removed(work: Work, order: Order) -> Result:
    """Forget discarded bytes that are gone from their storage."""
    paths = cast("list[str]", order.body()["paths"])
    work.ask(
        "DELETE FROM discarded WHERE tenant = $tenant AND address = $address"
        " AND path IN (SELECT unnest($paths::VARCHAR[]))",
        tenant=work.tenant,
        address=order.body()["address"],
        paths=paths,
    )
    return {}


def _found(work: Work, name: str, version: int | None) -> list[ResourceVersion]:
    rows = work.ask(
        script.text("resource_versions"),
        tenant=work.tenant,
        nkey=path_key(work.tenant, name),
        version=version,
    )
    if not rows:
        raise NotRecorded("resource", name if version is None else f"{name} version {version}")
    return [ResourceVersion.of_row(row) for row in rows]


def _check_free(work: Work, name: str, version: int) -> None:
    highest = work.count(
        script.text("resource_highest"), tenant=work.tenant, nkey=path_key(work.tenant, name)
    )
    taken = work.ask(
        script.text("resource_versions"),
        tenant=work.tenant,
        nkey=path_key(work.tenant, name),
        version=version,
    )
    # A lower number that is free was never given to anything: another upload was faster.
    if taken or work.count(
        "SELECT count(*) FROM resource_numbers WHERE tenant = $tenant AND nkey = $nkey::UUID"
        " AND highest >= $version",
        tenant=work.tenant,
        nkey=path_key(work.tenant, name),
        version=version,
    ):
        raise ContentConflict(
            f"the resource {name!r} had a version {version} already; the highest is {highest}"
        )


def _add(work: Work, order: Order, body: dict[str, Any], one: dict[str, Any]) -> None:
    address = one["address"]
    nkey = path_key(work.tenant, str(one["name"]))
    work.run_text(script.text("resource_add"), **one, nkey=nkey)
    if address is not None and one["digest"] is not None:
        place = _place(work, order, body, str(address))
        where = {"place": place, "place_key": path_key(work.tenant, str(one["path"]))}
        work.run_text(script.text("resource_locate"), **one, **where, now=order.given_at)


def _place(work: Work, order: Order, body: dict[str, Any], address: str) -> str:
    """Return the key of the repository at which the bytes of `address` are told to lie."""
    return work.see(cast("dict[str, str]", body["places"])[address], order)
