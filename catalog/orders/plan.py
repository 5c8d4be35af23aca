"""Folds "plan this sync": decides every path at every target, and stores rows and batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC

from catalog import script, selecting, spool
from catalog.batching import batch_starts
from catalog.errors import DigestNotAllowed, InvalidInput, NothingMatched, PathConflict
from catalog.forecast import Sample, forecast, work_of
from catalog.inbox import Order
from catalog.keys import repository_key
from catalog.orders.work import Result, Work
from catalog.plan import Action, PlanRequest, Policy, Strategy, Tally, Target
from catalog.request import request_from_json, request_to_json
from catalog.where import tried

NAMED = 100  # rows that a refusal names
TOLD = 100_000  # kept files of a target that are told path by path; a nightly run of more adds up


def fold(work: Work, order: Order) -> Result:
    """Store the plan, or raise `InvalidInput` before anything is stored."""
    request = _dated(request_from_json(order.body()), order)
    if work.ask("SELECT 1 FROM plans WHERE plan_id = $plan_id", plan_id=request.plan_id):
        return {}
    for target in request.targets:
        _check_layout(work, target, order)
    _stage(work, request)
    _check(work, request)
    _decide(work, request, order)
    _cut(work, request)
    _hold_back(work, request)
    _store(work, request, order)
    return {}


def fold_recheck(work: Work, order: Order) -> Result:
    """Say which rows of a stored plan no longer stand on the ground they were planned on.

    The order holds the plan's own request with fresh listings in the place of the old ones.
    """
    request = _dated(request_from_json(order.body()), order)
    _stage(work, request)
    _decide(work, request, order)
    moved = work.ask(script.text("recheck"), plan_id=request.plan_id)
    named = [
        f"{path!r} {what}, for {request.targets[target].address}"
        for path, target, what in moved[:NAMED]
    ]
    return {"count": len(moved), "moved": named}


def _decide(work: Work, request: PlanRequest, order: Order) -> None:
    source = work.see(request.source, order)
    for place, target in enumerate(request.targets):
        listing = request.wanted if target.listing is None else target.listing
        markers = request.wanted if target.markers is None else target.markers
        work.run_text(
            script.text("target")
            .replace("{decide}", script.text("decide"))
            .replace("{held}", script.text("held")),
            target=place,
            repository=work.see(target.address, order),
            source=source,
            files=spool.parts(work.spool, listing),
            checked=target.listing is not None,
            markers=spool.parts(work.spool, markers),
            marking=target.markers is not None,
            mode=request.mode.value,
            late=request.policy is not Policy.IMMEDIATE,
            strategy=request.strategy.value,
            match_etags=target.match_etags,
        )
        work.refuse_twice("listed", target.address)


def _dated(request: PlanRequest, order: Order) -> PlanRequest:
    # The moment is kept with the plan, so that it is decided the same whenever it is decided.
    now_us = round(order.given_at.replace(tzinfo=UTC).timestamp() * 1e6)
    return replace(request, selection=selecting.dated(request.selection, now_us))


def _stage(work: Work, request: PlanRequest) -> None:
    chosen = request.selection
    files = spool.parts(work.spool, request.wanted)
    if chosen.where:
        tried(chosen.where, files)
    every = selecting.rules(chosen, chosen.as_of_us or 0)
    settled = chosen.settled_s is not None
    values: dict[str, object] = {
        "tenant": work.tenant,
        "files": files,
        "trust_sha256": "sha256" in request.trusted,
    }
    for one in every:
        values |= one.values
    if settled:
        values["source"] = source = repository_key(work.tenant, request.source)
        values["version"] = work.count(
            "SELECT coalesce(max(number), 0) FROM repository_versions"
            " WHERE repository = $repository::UUID",
            repository=source,
        )
    listing = selecting.query(every, settled=settled)
    # Not by `script`, which would look for parameters and statements inside `where`.
    work.connection.execute(script.text("wanted").replace("{listing}", listing), values)
    if chosen.skip or chosen.take is not None:
        work.run_text(
            script.text("taken").replace("{ordering}", selecting.ordering(chosen)),
            skip=chosen.skip,
            take=2**62 if chosen.take is None else chosen.take,
        )
    work.run("staged")


def _check_layout(work: Work, target: Target, order: Order) -> None:
    """Refuse to lay files out beside others that lie there otherwise: nothing would see both."""
    if target.layout is None:
        return
    for layout, files in work.ask(
        "SELECT r.layout, v.total FROM repositories r JOIN repository_versions v USING (repository)"
        " WHERE r.repository = $repository::UUID AND v.number = $number AND v.total > 0"
        " AND r.layout <> $layout",
        repository=(key := work.see(target.address, order)),
        number=work.latest(key),
        layout=target.layout,
    ):
        raise InvalidInput(
            f"{target.address!r} holds {files} files with the layout {layout!r} and cannot be "
            f"written with {target.layout!r}: take another path, or empty it with its own layout"
        )


def _check(work: Work, request: PlanRequest) -> None:
    if not request.selection.allow_empty and not work.count(
        "SELECT count(*) FROM wanted WHERE selected"
    ):
        raise NothingMatched(
            f"no resources matched: the selection leaves none of {request.source!r}"
        )
    if nkey := work.twice("(FROM wanted WHERE selected)"):
        ((path, first, second),) = work.ask(
            "SELECT any_value(path), min(origin), max(origin) FROM wanted"
            " WHERE selected AND nkey = $nkey",
            nkey=nkey,
        )
        raise InvalidInput(f"both {first!r} and {second!r} would become {path!r}")
    trusted = f"(^|,)({'|'.join(request.trusted)}):"
    for path, digests in work.ask(
        "SELECT path, digests FROM wanted WHERE selected AND digests IS NOT NULL"
        " AND NOT regexp_matches(digests, $trusted) ORDER BY path LIMIT 1",
        trusted=trusted,
    ):
        declared = tuple(one.split(":")[0] for one in str(digests).split(","))
        raise DigestNotAllowed(str(path), declared, request.trusted)
    if any(target.tree for target in request.targets):
        for folder, below in work.ask(script.text("tree_conflict")):
            raise PathConflict(str(folder), str(below))


def _cut(work: Work, request: PlanRequest) -> None:
    work.run("items", kept=request.batch_kept)
    starts = list(batch_starts(_sizes(work), request.limits))
    work.run("batch_starts", starts=starts)
    work.run("place", removals=len(starts), count=request.limits.count)
    if work.count("SELECT count(*) FROM placed"):
        work.run(
            "store_changes",
            plan_id=request.plan_id,
            source=repository_key(work.tenant, request.source),
            learned=request.strategy is not Strategy.ALWAYS,
        )
    _keep(work, request)


def _keep(work: Work, request: PlanRequest) -> None:
    """Store what is kept: path by path, or of very many the usual reason once."""
    kept = work.count("SELECT count(*) FROM decided WHERE action = 'keep'")
    if kept <= TOLD or request.batch_kept:
        work.run("store_kept", plan_id=request.plan_id, kept=request.batch_kept)
        return
    work.run(
        "store_kept_briefly",
        plan_id=request.plan_id,
        told=TOLD,
        repositories=[repository_key(work.tenant, one.address) for one in request.targets],
    )


def _hold_back(work: Work, request: PlanRequest) -> None:
    late = request.policy is not Policy.IMMEDIATE
    if late or work.count("SELECT count(*) FROM unstored"):
        work.run("hold_back", plan_id=request.plan_id, late=late)


def _sizes(work: Work) -> Iterator[int]:
    return (row[0] for row in work.stream("SELECT size FROM moving ORDER BY position"))


def _foresee(work: Work, request: PlanRequest, tallies: Sequence[Tally]) -> None:
    """Store what the plan will cost, if it asks for anything."""
    wanted = work_of(tallies, work.count("SELECT count(*) FROM moving"))
    if not wanted.files or request.policy is not Policy.IMMEDIATE:
        return
    places = json.dumps([one.address for one in request.targets])
    rows = work.ask(script.text("samples"), source=request.source, destinations=places)
    cost = forecast(wanted, [Sample(*row) for row in rows])
    work.ask(
        "INSERT INTO forecasts VALUES ($plan_id, $requests, $seconds, $samples)",
        plan_id=request.plan_id,
        **asdict(cost),
    )


def _store(work: Work, request: PlanRequest, order: Order) -> None:
    tallies = _tallies(work, request)
    work.ask(
        "INSERT INTO plans SELECT $plan_id, $digest, $now, $run_id, $source, $mode, $strategy,"
        " $request, $tallies, (SELECT count(*) FROM plan_batches WHERE plan_id = $plan_id),"
        " (SELECT count(*) FROM wanted WHERE selected), $tenant",
        plan_id=request.plan_id,
        digest=_digest(work, request),
        now=order.given_at,
        run_id=request.run_id,
        source=request.source,
        mode=request.mode.value,
        strategy=request.strategy.value,
        request=json.dumps(request_to_json(request)),
        tallies=json.dumps([asdict(one) for one in tallies]),
    )
    _foresee(work, request, tallies)


def _tallies(work: Work, request: PlanRequest) -> list[Tally]:
    counts: dict[int, dict[str, int]] = {place: {} for place in range(len(request.targets))}
    for place, action, count, size in work.ask(script.text("plan_tallies")):
        counts[place][action] = count
        if action in (Action.ADD, Action.REPLACE) and request.policy is Policy.IMMEDIATE:
            counts[place]["bytes"] = counts[place].get("bytes", 0) + size
        elif action == Action.REMOVE:
            counts[place]["removed_bytes"] = size
    return [Tally(target.address, **counts[place]) for place, target in enumerate(request.targets)]


def _digest(work: Work, request: PlanRequest) -> str:
    head = [
        request.source,
        [target.address for target in request.targets],
        request.mode.value,
        request.strategy.value,
    ]
    if request.policy is not Policy.IMMEDIATE:
        head.append(request.policy.value)
    digest = hashlib.sha256(json.dumps(head).encode())
    for (line,) in work.stream(script.text("plan_digest"), plan_id=request.plan_id):
        digest.update(f"\n{line}".encode())
    return digest.hexdigest()
