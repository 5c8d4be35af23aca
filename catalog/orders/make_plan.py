"""Applies `plan` orders: decides every path at every target, and stores rows and batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC

from catalog.errors import DigestNotAllowed, InvalidInput, NothingMatched
from catalog.filters import selection
from catalog.filters.condition import render_tested_condition
from catalog.inbox import spool
from catalog.inbox.plan_request import request_from_json, request_to_json
from catalog.inbox.queue import Order
from catalog.model.plan import Action, PlanRequest, Policy, Strategy, Tally, Target
from catalog.orders.plan_digest import compute_plan_digest
from catalog.orders.transaction import Result, Transaction
from catalog.rules.batching import batch_starts
from catalog.rules.forecast import PastRun, forecast, planned_work
from catalog.store import statements
from catalog.store.keys import repository_key

# The rows that a listing's gaps may affect, as tables (nkey, path).
_HELD_HERE_OR_THERE = """(SELECT nkey, path FROM ({held}) UNION SELECT nkey, origin_path
    FROM ({held}) WHERE origin = $source::UUID AND origin_path IS NOT NULL)"""
_WANTED_OR_HELD = "(SELECT nkey, path FROM wanted UNION SELECT nkey, path FROM ({held}))"
_MARKERS = "(SELECT nkey, path || '.done' AS path FROM wanted)"
MAX_NAMED = 100  # rows that a refusal lists
MAX_KEPT_ROWS = 100_000  # with more kept files, only their common reason is stored


def apply_plan(tx: Transaction, order: Order) -> Result:
    """Store the plan; `InvalidInput` is raised before anything is stored."""
    request = _with_reference_time(request_from_json(order.body()), order)
    if tx.query("SELECT 1 FROM plans WHERE plan_id = $plan_id", plan_id=request.plan_id):
        return {}
    for target in request.targets:
        _check_layout(tx, target, order)
    _stage_source(tx, request)
    _check_source_rows(tx, request)
    _decide_rows(tx, request, order)
    _split_into_batches(tx, request)
    _unbatch_deferred(tx, request)
    _store_plan(tx, request, order)
    return {}


def apply_recheck(tx: Transaction, order: Order) -> Result:
    """Find the rows of a stored plan whose source or destination has changed since.

    The order has the plan's own request with fresh listings.
    """
    request = _with_reference_time(request_from_json(order.body()), order)
    _stage_source(tx, request)
    _decide_rows(tx, request, order)
    planned_rows = "(FROM plan_rows WHERE plan_id = $plan_id)"
    unseen = tx.unseen_query(request.wanted, planned_rows, "gaps_of_source")
    tx.run_statements(f"CREATE OR REPLACE TEMP TABLE unseen AS {unseen}", plan_id=request.plan_id)
    changed = tx.query(statements.load_sql("plans/recheck"), plan_id=request.plan_id)
    examples = [
        f"{path!r} {what}, for {request.targets[target].address}"
        for path, target, what in changed[:MAX_NAMED]
    ]
    return {"count": len(changed), "moved": examples}


def _decide_rows(tx: Transaction, request: PlanRequest, order: Order) -> None:
    source = tx.ensure_repository(request.source, order)
    for place, target in enumerate(request.targets):
        listing = request.wanted if target.listing is None else target.listing
        markers = request.wanted if target.markers is None else target.markers
        tx.run_statements(
            statements.load_sql("plans/decide_target")
            .replace("{decide}", statements.load_sql("plans/decide"))
            .replace(
                "{source_unseen}",
                tx.unseen_query(request.wanted, _HELD_HERE_OR_THERE, "gaps_of_source"),
            )
            .replace(
                "{target_unseen}",
                tx.unseen_query(target.listing, _WANTED_OR_HELD, "gaps_of_target"),
            )
            .replace(
                "{marker_unseen}", tx.unseen_query(target.markers, _MARKERS, "gaps_of_markers")
            )
            .replace("{held}", statements.load_sql("plans/recorded_content")),
            target=place,
            repository=tx.ensure_repository(target.address, order),
            source=source,
            files=spool.page_files(tx.spool, listing),
            checked=target.listing is not None,
            markers=spool.page_files(tx.spool, markers),
            marking=target.markers is not None,
            mode=request.mode.value,
            late=request.policy is not Policy.IMMEDIATE,
            strategy=request.strategy.value,
            match_etags=target.match_etags,
        )
        tx.refuse_duplicates("listed", target.address)


def _with_reference_time(request: PlanRequest, order: Order) -> PlanRequest:
    # The moment is stored with the plan, so that deciding it again gives the same result.
    now_us = round(order.submitted_at.replace(tzinfo=UTC).timestamp() * 1e6)
    return replace(request, selection=selection.with_reference_time(request.selection, now_us))


def _stage_source(tx: Transaction, request: PlanRequest) -> None:
    chosen = request.selection
    files = spool.page_files(tx.spool, request.wanted)
    if chosen.where:
        render_tested_condition(chosen.where, files)
    every = selection.exclusion_rules(chosen, chosen.as_of_us or 0)
    settled = chosen.settled_s is not None
    values: dict[str, object] = {
        "tenant": tx.tenant,
        "files": files,
        "trust_sha256": "sha256" in request.trusted,
    }
    for one in every:
        values |= one.values
    if settled:
        values["source"] = source = repository_key(tx.tenant, request.source)
        values["version"] = tx.count(
            "SELECT coalesce(max(number), 0) FROM repository_versions"
            " WHERE repository = $repository::UUID",
            repository=source,
        )
    listing = selection.listing_query(every, settled=settled)
    # Not as a script, which would look for parameters and statements inside `where`.
    tx.connection.execute(
        statements.load_sql("plans/load_source").replace("{listing}", listing), values
    )
    if chosen.skip or chosen.take is not None:
        tx.run_statements(
            statements.load_sql("plans/apply_skip_and_take").replace(
                "{ordering}", selection.ordering(chosen)
            ),
            skip=chosen.skip,
            take=2**62 if chosen.take is None else chosen.take,
        )
    tx.run_script("plans/create_decided")
    if any(target.tree for target in request.targets):
        _find_path_conflicts(tx)


def _find_path_conflicts(tx: Transaction) -> None:
    tx.run_script("plans/file_folder_conflicts")
    if tx.count("SELECT count(*) FROM clashing"):
        folders = statements.load_sql("plans/folders").replace("{rows}", "wanted WHERE selected")
        tx.run_statements(
            statements.load_sql("plans/mark_conflicts").replace("{folders_of_wanted}", folders)
        )


def _check_layout(tx: Transaction, target: Target, order: Order) -> None:
    """Refuse to mix layouts at one destination: no listing would show both."""
    if target.layout is None:
        return
    for layout, files in tx.query(
        "SELECT r.layout, v.total FROM repositories r JOIN repository_versions v USING (repository)"
        " WHERE r.repository = $repository::UUID AND v.number = $number AND v.total > 0"
        " AND r.layout <> $layout",
        repository=(key := tx.ensure_repository(target.address, order)),
        number=tx.latest_number(key),
        layout=target.layout,
    ):
        raise InvalidInput(
            f"{target.address!r} has {files:,} files with the layout {layout!r} and cannot be "
            f"written with {target.layout!r}: use another path, or empty it with its own layout"
        )


def _check_source_rows(tx: Transaction, request: PlanRequest) -> None:
    if not request.selection.allow_empty and not tx.count(
        "SELECT count(*) FROM wanted WHERE selected"
    ):
        raise NothingMatched(
            f"no resources matched: the selection excludes everything in {request.source!r}"
        )
    if nkey := tx.find_duplicate("(FROM wanted WHERE selected)"):
        ((path, first, second),) = tx.query(
            "SELECT any_value(path), min(origin), max(origin) FROM wanted"
            " WHERE selected AND nkey = $nkey",
            nkey=nkey,
        )
        raise InvalidInput(f"both {first!r} and {second!r} would be stored as {path!r}")
    trusted = f"(^|,)({'|'.join(request.trusted)}):"
    for path, digests in tx.query(
        "SELECT path, digests FROM wanted WHERE selected AND digests IS NOT NULL"
        " AND NOT regexp_matches(digests, $trusted) ORDER BY path LIMIT 1",
        trusted=trusted,
    ):
        declared = tuple(one.split(":")[0] for one in str(digests).split(","))
        raise DigestNotAllowed(str(path), declared, request.trusted)


def _find_obstacles(tx: Transaction, request: PlanRequest) -> None:
    """Find removals that must precede an arrival; without removals there are none."""
    trees = [place for place, target in enumerate(request.targets) if target.tree]
    tx.run_script("plans/obstacles", trees=trees)
    if not tx.count("SELECT count(*) FROM going"):
        return
    folders = statements.load_sql("plans/folders")
    tx.run_statements(
        statements.load_sql("plans/find_obstacles")
        .replace("{folders_of_coming}", folders.replace("{rows}", "coming"))
        .replace("{folders_of_going}", folders.replace("{rows}", "going")),
        trees=trees,
    )


def _split_into_batches(tx: Transaction, request: PlanRequest) -> None:
    _find_obstacles(tx, request)
    tx.run_script("plans/moves_and_removals", kept=request.batch_kept)
    starts = list(batch_starts(_sizes(tx), request.limits))
    tx.run_script("plans/batch_starts", starts=starts)
    tx.run_script("plans/assign_batches", removals=len(starts), count=request.limits.count)
    if tx.count("SELECT count(*) FROM placed"):
        tx.run_script(
            "plans/store_changes",
            plan_id=request.plan_id,
            source=repository_key(tx.tenant, request.source),
            learned=request.strategy is not Strategy.ALWAYS,
        )
    _store_kept_rows(tx, request)


def _store_kept_rows(tx: Transaction, request: PlanRequest) -> None:
    """Store the kept rows, or only their common reason if there are very many."""
    kept = tx.count("SELECT count(*) FROM decided WHERE action = 'keep'")
    if kept <= MAX_KEPT_ROWS or request.batch_kept:
        tx.run_script("plans/store_kept", plan_id=request.plan_id, kept=request.batch_kept)
        return
    tx.run_script(
        "plans/store_kept_summary",
        plan_id=request.plan_id,
        told=MAX_KEPT_ROWS,
        repositories=[repository_key(tx.tenant, target.address) for target in request.targets],
    )


def _unbatch_deferred(tx: Transaction, request: PlanRequest) -> None:
    late = request.policy is not Policy.IMMEDIATE
    if late or tx.count("SELECT count(*) FROM unstored"):
        tx.run_script("plans/unbatch_deferred", plan_id=request.plan_id, late=late)


def _sizes(tx: Transaction) -> Iterator[int]:
    return (row[0] for row in tx.stream("SELECT size FROM moving ORDER BY position"))


def _store_forecast(tx: Transaction, request: PlanRequest, tallies: Sequence[Tally]) -> None:
    """Store what the plan will cost, if there is anything to do."""
    wanted = planned_work(tallies, tx.count("SELECT count(*) FROM moving"))
    if not wanted.files or request.policy is not Policy.IMMEDIATE:
        return
    places = json.dumps([target.address for target in request.targets])
    rows = tx.query(
        statements.load_sql("plans/past_runs"), source=request.source, destinations=places
    )
    cost = forecast(wanted, [PastRun(*row) for row in rows])
    tx.query(
        "INSERT INTO forecasts VALUES ($plan_id, $requests, $seconds, $samples)",
        plan_id=request.plan_id,
        **asdict(cost),
    )


def _store_plan(tx: Transaction, request: PlanRequest, order: Order) -> None:
    tallies = _tallies(tx, request)
    tx.query(
        "INSERT INTO plans SELECT $plan_id, $digest, $now, $run_id, $source, $mode, $strategy,"
        " $request, $tallies, (SELECT count(*) FROM plan_batches WHERE plan_id = $plan_id),"
        " (SELECT count(*) FROM wanted WHERE selected), $tenant",
        plan_id=request.plan_id,
        digest=compute_plan_digest(tx, request),
        now=order.submitted_at,
        run_id=request.run_id,
        source=request.source,
        mode=request.mode.value,
        strategy=request.strategy.value,
        request=json.dumps(request_to_json(request)),
        tallies=json.dumps([asdict(tally) for tally in tallies]),
    )
    _store_forecast(tx, request, tallies)


def _tallies(tx: Transaction, request: PlanRequest) -> list[Tally]:
    counts: dict[int, dict[str, int]] = {place: {} for place in range(len(request.targets))}
    for place, action, count, size in tx.query(statements.load_sql("plans/tallies")):
        counts[place][action] = count
        if action in (Action.ADD, Action.REPLACE) and request.policy is Policy.IMMEDIATE:
            counts[place]["bytes"] = counts[place].get("bytes", 0) + size
        elif action == Action.REMOVE:
            counts[place]["removed_bytes"] = size
    return [Tally(target.address, **counts[place]) for place, target in enumerate(request.targets)]
