"""Folds "plan this sync": decides every path at every target, and stores rows and batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC

from catalog.errors import DigestNotAllowed, InvalidInput, NothingMatched
from catalog.filters import selection
from catalog.filters.condition import tried
from catalog.inbox import spool
from catalog.inbox.plan_request import request_from_json, request_to_json
from catalog.inbox.queue import Order
from catalog.model.plan import Action, PlanRequest, Policy, Strategy, Tally, Target
from catalog.orders.plan_digest import digest_of
from catalog.orders.transaction import Result, Transaction
from catalog.rules.batching import batch_starts
from catalog.rules.forecast import PastRun, forecast, planned_work
from catalog.store import statements
from catalog.store.keys import repository_key

# The rows of which a listing's gaps leave nothing known, as tables (nkey, path).
_HELD_HERE_OR_THERE = """(SELECT nkey, path FROM ({held}) UNION SELECT nkey, origin_path
    FROM ({held}) WHERE origin = $source::UUID AND origin_path IS NOT NULL)"""
_WANTED_OR_HELD = "(SELECT nkey, path FROM wanted UNION SELECT nkey, path FROM ({held}))"
_MARKERS = "(SELECT nkey, path || '.done' AS path FROM wanted)"
NAMED = 100  # rows that a refusal names
TOLD = 100_000  # kept files of a target that are told path by path; a nightly run of more adds up


def fold(work: Transaction, order: Order) -> Result:
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


def fold_recheck(work: Transaction, order: Order) -> Result:
    """Say which rows of a stored plan no longer stand on the ground they were planned on.

    The order holds the plan's own request with fresh listings in the place of the old ones.
    """
    request = _dated(request_from_json(order.body()), order)
    _stage(work, request)
    _decide(work, request, order)
    asked = "(FROM plan_rows WHERE plan_id = $plan_id)"
    unseen = work.unseen(request.wanted, asked, "gaps_of_source")
    work.run_text(f"CREATE OR REPLACE TEMP TABLE unseen AS {unseen}", plan_id=request.plan_id)
    moved = work.ask(statements.load_sql("recheck"), plan_id=request.plan_id)
    named = [
        f"{path!r} {what}, for {request.targets[target].address}"
        for path, target, what in moved[:NAMED]
    ]
    return {"count": len(moved), "moved": named}


def _decide(work: Transaction, request: PlanRequest, order: Order) -> None:
    source = work.see(request.source, order)
    for place, target in enumerate(request.targets):
        listing = request.wanted if target.listing is None else target.listing
        markers = request.wanted if target.markers is None else target.markers
        work.run_text(
            statements.load_sql("target")
            .replace("{decide}", statements.load_sql("decide"))
            .replace(
                "{source_unseen}",
                work.unseen(request.wanted, _HELD_HERE_OR_THERE, "gaps_of_source"),
            )
            .replace(
                "{target_unseen}", work.unseen(target.listing, _WANTED_OR_HELD, "gaps_of_target")
            )
            .replace("{marker_unseen}", work.unseen(target.markers, _MARKERS, "gaps_of_markers"))
            .replace("{held}", statements.load_sql("held")),
            target=place,
            repository=work.see(target.address, order),
            source=source,
            files=spool.page_files(work.spool, listing),
            checked=target.listing is not None,
            markers=spool.page_files(work.spool, markers),
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
    return replace(request, selection=selection.dated(request.selection, now_us))


def _stage(work: Transaction, request: PlanRequest) -> None:
    chosen = request.selection
    files = spool.page_files(work.spool, request.wanted)
    if chosen.where:
        tried(chosen.where, files)
    every = selection.rules(chosen, chosen.as_of_us or 0)
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
    listing = selection.query(every, settled=settled)
    # Not by `script`, which would look for parameters and statements inside `where`.
    work.connection.execute(statements.load_sql("wanted").replace("{listing}", listing), values)
    if chosen.skip or chosen.take is not None:
        work.run_text(
            statements.load_sql("taken").replace("{ordering}", selection.ordering(chosen)),
            skip=chosen.skip,
            take=2**62 if chosen.take is None else chosen.take,
        )
    work.run("staged")
    if any(target.tree for target in request.targets):
        _look_for_clashes(work)


def _look_for_clashes(work: Transaction) -> None:
    work.run("tree_conflict")
    if work.count("SELECT count(*) FROM clashing"):
        folders = statements.load_sql("folders").replace("{rows}", "wanted WHERE selected")
        work.run_text(statements.load_sql("tree_clashes").replace("{folders_of_wanted}", folders))


def _check_layout(work: Transaction, target: Target, order: Order) -> None:
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


def _check(work: Transaction, request: PlanRequest) -> None:
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


def _look_for_obstacles(work: Transaction, request: PlanRequest) -> None:
    """Find what has to go before something else can come; where nothing goes there is none."""
    trees = [place for place, target in enumerate(request.targets) if target.tree]
    work.run("obstacles", trees=trees)
    if not work.count("SELECT count(*) FROM going"):
        return
    folders = statements.load_sql("folders")
    work.run_text(
        statements.load_sql("obstacles_of_going")
        .replace("{folders_of_coming}", folders.replace("{rows}", "coming"))
        .replace("{folders_of_going}", folders.replace("{rows}", "going")),
        trees=trees,
    )


def _cut(work: Transaction, request: PlanRequest) -> None:
    _look_for_obstacles(work, request)
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


def _keep(work: Transaction, request: PlanRequest) -> None:
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


def _hold_back(work: Transaction, request: PlanRequest) -> None:
    late = request.policy is not Policy.IMMEDIATE
    if late or work.count("SELECT count(*) FROM unstored"):
        work.run("hold_back", plan_id=request.plan_id, late=late)


def _sizes(work: Transaction) -> Iterator[int]:
    return (row[0] for row in work.stream("SELECT size FROM moving ORDER BY position"))


def _foresee(work: Transaction, request: PlanRequest, tallies: Sequence[Tally]) -> None:
    """Store what the plan will cost, if it asks for anything."""
    wanted = planned_work(tallies, work.count("SELECT count(*) FROM moving"))
    if not wanted.files or request.policy is not Policy.IMMEDIATE:
        return
    places = json.dumps([one.address for one in request.targets])
    rows = work.ask(statements.load_sql("samples"), source=request.source, destinations=places)
    cost = forecast(wanted, [PastRun(*row) for row in rows])
    work.ask(
        "INSERT INTO forecasts VALUES ($plan_id, $requests, $seconds, $samples)",
        plan_id=request.plan_id,
        **asdict(cost),
    )


def _store(work: Transaction, request: PlanRequest, order: Order) -> None:
    tallies = _tallies(work, request)
    work.ask(
        "INSERT INTO plans SELECT $plan_id, $digest, $now, $run_id, $source, $mode, $strategy,"
        " $request, $tallies, (SELECT count(*) FROM plan_batches WHERE plan_id = $plan_id),"
        " (SELECT count(*) FROM wanted WHERE selected), $tenant",
        plan_id=request.plan_id,
        digest=digest_of(work, request),
        now=order.given_at,
        run_id=request.run_id,
        source=request.source,
        mode=request.mode.value,
        strategy=request.strategy.value,
        request=json.dumps(request_to_json(request)),
        tallies=json.dumps([asdict(one) for one in tallies]),
    )
    _foresee(work, request, tallies)


def _tallies(work: Transaction, request: PlanRequest) -> list[Tally]:
    counts: dict[int, dict[str, int]] = {place: {} for place in range(len(request.targets))}
    for place, action, count, size in work.ask(statements.load_sql("plan_tallies")):
        counts[place][action] = count
        if action in (Action.ADD, Action.REPLACE) and request.policy is Policy.IMMEDIATE:
            counts[place]["bytes"] = counts[place].get("bytes", 0) + size
        elif action == Action.REMOVE:
            counts[place]["removed_bytes"] = size
    return [Tally(target.address, **counts[place]) for place, target in enumerate(request.targets)]
