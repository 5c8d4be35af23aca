"""Folds "plan this sync": decides every path at every target, and stores rows and batches."""

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

# The rows of which a listing's gaps leave nothing known, as tables (nkey, path).
_HELD_HERE_OR_THERE = """(SELECT nkey, path FROM ({held}) UNION SELECT nkey, origin_path
    FROM ({held}) WHERE origin = $source::UUID AND origin_path IS NOT NULL)"""
_WANTED_OR_HELD = "(SELECT nkey, path FROM wanted UNION SELECT nkey, path FROM ({held}))"
_MARKERS = "(SELECT nkey, path || '.done' AS path FROM wanted)"
MAX_NAMED = 100  # rows that a refusal names
MAX_KEPT_ROWS = (
    100_000  # kept files of a target that are told path by path; a nightly run of more adds up
)


def apply_plan(work: Transaction, order: Order) -> Result:
    """Store the plan, or raise `InvalidInput` before anything is stored."""
    request = _with_reference_time(request_from_json(order.body()), order)
    if work.query("SELECT 1 FROM plans WHERE plan_id = $plan_id", plan_id=request.plan_id):
        return {}
    for target in request.targets:
        _check_layout(work, target, order)
    _stage_source(work, request)
    _check_source_rows(work, request)
    _decide_rows(work, request, order)
    _split_into_batches(work, request)
    _unbatch_deferred(work, request)
    _store_plan(work, request, order)
    return {}


def apply_recheck(work: Transaction, order: Order) -> Result:
    """Say which rows of a stored plan no longer stand on the ground they were planned on.

    The order holds the plan's own request with fresh listings in the place of the old ones.
    """
    request = _with_reference_time(request_from_json(order.body()), order)
    _stage_source(work, request)
    _decide_rows(work, request, order)
    asked = "(FROM plan_rows WHERE plan_id = $plan_id)"
    unseen = work.unseen_query(request.wanted, asked, "gaps_of_source")
    work.run_statements(f"CREATE OR REPLACE TEMP TABLE unseen AS {unseen}", plan_id=request.plan_id)
    moved = work.query(statements.load_sql("recheck"), plan_id=request.plan_id)
    named = [
        f"{path!r} {what}, for {request.targets[target].address}"
        for path, target, what in moved[:MAX_NAMED]
    ]
    return {"count": len(moved), "moved": named}


def _decide_rows(work: Transaction, request: PlanRequest, order: Order) -> None:
    source = work.ensure_repository(request.source, order)
    for place, target in enumerate(request.targets):
        listing = request.wanted if target.listing is None else target.listing
        markers = request.wanted if target.markers is None else target.markers
        work.run_statements(
            statements.load_sql("target")
            .replace("{decide}", statements.load_sql("decide"))
            .replace(
                "{source_unseen}",
                work.unseen_query(request.wanted, _HELD_HERE_OR_THERE, "gaps_of_source"),
            )
            .replace(
                "{target_unseen}",
                work.unseen_query(target.listing, _WANTED_OR_HELD, "gaps_of_target"),
            )
            .replace(
                "{marker_unseen}", work.unseen_query(target.markers, _MARKERS, "gaps_of_markers")
            )
            .replace("{held}", statements.load_sql("held")),
            target=place,
            repository=work.ensure_repository(target.address, order),
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
        work.refuse_duplicates("listed", target.address)


def _with_reference_time(request: PlanRequest, order: Order) -> PlanRequest:
    # The moment is kept with the plan, so that it is decided the same whenever it is decided.
    now_us = round(order.submitted_at.replace(tzinfo=UTC).timestamp() * 1e6)
    return replace(request, selection=selection.with_reference_time(request.selection, now_us))


def _stage_source(work: Transaction, request: PlanRequest) -> None:
    chosen = request.selection
    files = spool.page_files(work.spool, request.wanted)
    if chosen.where:
        render_tested_condition(chosen.where, files)
    every = selection.exclusion_rules(chosen, chosen.as_of_us or 0)
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
    listing = selection.listing_query(every, settled=settled)
    # Not by `script`, which would look for parameters and statements inside `where`.
    work.connection.execute(statements.load_sql("wanted").replace("{listing}", listing), values)
    if chosen.skip or chosen.take is not None:
        work.run_statements(
            statements.load_sql("taken").replace("{ordering}", selection.ordering(chosen)),
            skip=chosen.skip,
            take=2**62 if chosen.take is None else chosen.take,
        )
    work.run_script("staged")
    if any(target.tree for target in request.targets):
        _find_path_conflicts(work)


def _find_path_conflicts(work: Transaction) -> None:
    work.run_script("tree_conflict")
    if work.count("SELECT count(*) FROM clashing"):
        folders = statements.load_sql("folders").replace("{rows}", "wanted WHERE selected")
        work.run_statements(
            statements.load_sql("tree_clashes").replace("{folders_of_wanted}", folders)
        )


def _check_layout(work: Transaction, target: Target, order: Order) -> None:
    """Refuse to lay files out beside others that lie there otherwise: nothing would see both."""
    if target.layout is None:
        return
    for layout, files in work.query(
        "SELECT r.layout, v.total FROM repositories r JOIN repository_versions v USING (repository)"
        " WHERE r.repository = $repository::UUID AND v.number = $number AND v.total > 0"
        " AND r.layout <> $layout",
        repository=(key := work.ensure_repository(target.address, order)),
        number=work.latest_number(key),
        layout=target.layout,
    ):
        raise InvalidInput(
            f"{target.address!r} holds {files} files with the layout {layout!r} and cannot be "
            f"written with {target.layout!r}: take another path, or empty it with its own layout"
        )


def _check_source_rows(work: Transaction, request: PlanRequest) -> None:
    if not request.selection.allow_empty and not work.count(
        "SELECT count(*) FROM wanted WHERE selected"
    ):
        raise NothingMatched(
            f"no resources matched: the selection leaves none of {request.source!r}"
        )
    if nkey := work.find_duplicate("(FROM wanted WHERE selected)"):
        ((path, first, second),) = work.query(
            "SELECT any_value(path), min(origin), max(origin) FROM wanted"
            " WHERE selected AND nkey = $nkey",
            nkey=nkey,
        )
        raise InvalidInput(f"both {first!r} and {second!r} would become {path!r}")
    trusted = f"(^|,)({'|'.join(request.trusted)}):"
    for path, digests in work.query(
        "SELECT path, digests FROM wanted WHERE selected AND digests IS NOT NULL"
        " AND NOT regexp_matches(digests, $trusted) ORDER BY path LIMIT 1",
        trusted=trusted,
    ):
        declared = tuple(one.split(":")[0] for one in str(digests).split(","))
        raise DigestNotAllowed(str(path), declared, request.trusted)


def _find_obstacles(work: Transaction, request: PlanRequest) -> None:
    """Find what has to go before something else can come; where nothing goes there is none."""
    trees = [place for place, target in enumerate(request.targets) if target.tree]
    work.run_script("obstacles", trees=trees)
    if not work.count("SELECT count(*) FROM going"):
        return
    folders = statements.load_sql("folders")
    work.run_statements(
        statements.load_sql("obstacles_of_going")
        .replace("{folders_of_coming}", folders.replace("{rows}", "coming"))
        .replace("{folders_of_going}", folders.replace("{rows}", "going")),
        trees=trees,
    )


def _split_into_batches(work: Transaction, request: PlanRequest) -> None:
    _find_obstacles(work, request)
    work.run_script("items", kept=request.batch_kept)
    starts = list(batch_starts(_sizes(work), request.limits))
    work.run_script("batch_starts", starts=starts)
    work.run_script("place", removals=len(starts), count=request.limits.count)
    if work.count("SELECT count(*) FROM placed"):
        work.run_script(
            "store_changes",
            plan_id=request.plan_id,
            source=repository_key(work.tenant, request.source),
            learned=request.strategy is not Strategy.ALWAYS,
        )
    _store_kept_rows(work, request)


def _store_kept_rows(work: Transaction, request: PlanRequest) -> None:
    """Store what is kept: path by path, or of very many the usual reason once."""
    kept = work.count("SELECT count(*) FROM decided WHERE action = 'keep'")
    if kept <= MAX_KEPT_ROWS or request.batch_kept:
        work.run_script("store_kept", plan_id=request.plan_id, kept=request.batch_kept)
        return
    work.run_script(
        "store_kept_briefly",
        plan_id=request.plan_id,
        told=MAX_KEPT_ROWS,
        repositories=[repository_key(work.tenant, one.address) for one in request.targets],
    )


def _unbatch_deferred(work: Transaction, request: PlanRequest) -> None:
    late = request.policy is not Policy.IMMEDIATE
    if late or work.count("SELECT count(*) FROM unstored"):
        work.run_script("hold_back", plan_id=request.plan_id, late=late)


def _sizes(work: Transaction) -> Iterator[int]:
    return (row[0] for row in work.stream("SELECT size FROM moving ORDER BY position"))


def _store_forecast(work: Transaction, request: PlanRequest, tallies: Sequence[Tally]) -> None:
    """Store what the plan will cost, if it asks for anything."""
    wanted = planned_work(tallies, work.count("SELECT count(*) FROM moving"))
    if not wanted.files or request.policy is not Policy.IMMEDIATE:
        return
    places = json.dumps([one.address for one in request.targets])
    rows = work.query(statements.load_sql("samples"), source=request.source, destinations=places)
    cost = forecast(wanted, [PastRun(*row) for row in rows])
    work.query(
        "INSERT INTO forecasts VALUES ($plan_id, $requests, $seconds, $samples)",
        plan_id=request.plan_id,
        **asdict(cost),
    )


def _store_plan(work: Transaction, request: PlanRequest, order: Order) -> None:
    tallies = _tallies(work, request)
    work.query(
        "INSERT INTO plans SELECT $plan_id, $digest, $now, $run_id, $source, $mode, $strategy,"
        " $request, $tallies, (SELECT count(*) FROM plan_batches WHERE plan_id = $plan_id),"
        " (SELECT count(*) FROM wanted WHERE selected), $tenant",
        plan_id=request.plan_id,
        digest=compute_plan_digest(work, request),
        now=order.submitted_at,
        run_id=request.run_id,
        source=request.source,
        mode=request.mode.value,
        strategy=request.strategy.value,
        request=json.dumps(request_to_json(request)),
        tallies=json.dumps([asdict(one) for one in tallies]),
    )
    _store_forecast(work, request, tallies)


def _tallies(work: Transaction, request: PlanRequest) -> list[Tally]:
    counts: dict[int, dict[str, int]] = {place: {} for place in range(len(request.targets))}
    for place, action, count, size in work.query(statements.load_sql("plan_tallies")):
        counts[place][action] = count
        if action in (Action.ADD, Action.REPLACE) and request.policy is Policy.IMMEDIATE:
            counts[place]["bytes"] = counts[place].get("bytes", 0) + size
        elif action == Action.REMOVE:
            counts[place]["removed_bytes"] = size
    return [Tally(target.address, **counts[place]) for place, target in enumerate(request.targets)]
