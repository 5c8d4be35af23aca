"""One cell of the matrix, tried: the fault armed, the operation done, the ending judged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from catalog.inbox.spool import Spool
from catalog.model.outcome import Outcome
from catalog.model.plan import Action, PlanItem
from catalog.model.resource import Resource
from providers.base import ProviderSettings, Storage
from providers.interfaces.history import HISTORY
from providers.local.settings import LocalSettings
from tests.faults.kit import oracle
from tests.faults.kit.cells import Cell
from tests.faults.kit.disk import FILLER, full, small_disk
from tests.faults.kit.fault_kinds import Direction, Ending, Fault, Operation, Told, Way
from tests.faults.kit.target import (
    HELD,
    LARGE,
    OLD,
    OPTIONS,
    READ,
    SMALL,
    Corner,
    Target,
    kept,
    tree,
    visible,
)
from tests.faults.kit.trigger import Trigger
from tests.transfer.deliver import deliver
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.batch.endpoints import Endpoint, StorageRef
from transfer.inventory.listing import list_repository, list_resources
from transfer.workers.limits import Limits, RequestLimiter
from transfer.workers.retry import RetryPolicy, call_with_retries
from transfer.workers.stop import StopFlag

WATCH_S = 600.0  # after which a try hangs: many times what the time-outs of its retries add up to
RETRY = RetryPolicy(retries=1, first_s=0.05, longest_s=1.0)
AFTER = {
    (Operation.LISTING, Direction.DOWN): 600,
    (Operation.READING, Direction.DOWN): 30_000,
    (Operation.WRITING, Direction.UP): 30_000,
    (Operation.WRITING, Direction.DOWN): 9,
    (Operation.REMOVING, Direction.UP): 40,
    (Operation.REMOVING, Direction.DOWN): 9,
}
"""Bytes that go through before a fault in a stream strikes: half way, or into a reply."""
WRITTEN = {"d1/small.bin": SMALL, "d1/large.bin": LARGE, "d1/old.bin": SMALL[:9000]}
STANDING = {"d1/old.bin": OLD, "d1/other.bin": OLD[:5000], "d3/b": b"b" * 100, "d3/c": b"c" * 100}
REMOVED = ("d3/b", "d1/old.bin")


@dataclass(frozen=True, slots=True)
class Tried:
    """How one way of a cell ended, and whether its fault struck at all."""

    way: Way
    told: Told
    struck: bool


def tried(cell: Cell, place: Target) -> list[Tried]:
    """Try a cell in each of its ways."""
    return [_tried(cell, place, way) for way in cell.ways]


def _tried(cell: Cell, place: Target, way: Way) -> Tried:
    acts = {
        Operation.LISTING: _listing,
        Operation.READING: _reader,
        Operation.WRITING: _writing,
        Operation.REMOVING: _removing,
    }
    after = AFTER.get((cell.operation, way.direction), 0)
    strike = Trigger(cell.fault, way.direction, way.often, after)
    struck = [cell.fault is Fault.FULL]

    def act() -> Told:
        told, count = acts[cell.operation](place, strike)
        struck.append(bool(count))
        return told

    return Tried(way, watched(act), any(struck))


def watched(act: Callable[[], Told], within_s: float = WATCH_S) -> Told:
    """Do something and judge what it raises; what does not end is left alone, as hung."""
    found: list[Told] = []

    def work() -> None:
        try:
            found.append(act())
        except Exception as error:  # noqa: BLE001 - the judgement tells of it
            found.append(oracle.of_error(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(within_s)
    return found[0] if found else Told(Ending.HUNG, f"it did not end within {within_s:.0f} s")


def _listing(place: Target, strike: Trigger) -> tuple[Told, int]:
    corner = place.filled()
    with ExitStack() as stack:
        storage = stack.enter_context(closing(corner.settings.open(OPTIONS)))
        spool = _room(stack, Path(stack.enter_context(TemporaryDirectory())), strike.fault)
        if strike.fault is Fault.FULL:
            armed = None
        else:
            armed = stack.enter_context(place.armed(strike, Operation.LISTING))
        try:
            listed = call_with_retries(
                lambda: list(list_resources(storage, RETRY, StopFlag(), lambda _: True)),
                RETRY,
                StopFlag(),
            )[0]
            list_repository(lambda: Spool(spool), storage, RETRY, StopFlag())
        except Exception as error:  # noqa: BLE001 - the judgement tells of it
            return oracle.of_error(error), armed.struck if armed else 1
        struck = armed.struck if armed else 1
    return oracle.of_listing(place.profile, strike.fault, HELD, listed), struck


def _reader(place: Target, strike: Trigger) -> tuple[Told, int]:
    corner, lies = place.filled(), strike.fault in {Fault.SIZE, Fault.ETAG}
    with ExitStack() as stack:
        storage = stack.enter_context(closing(corner.settings.open(OPTIONS)))
        folder = _room(stack, Path(stack.enter_context(TemporaryDirectory())), strike.fault)
        items = [] if lies else _items(storage)
        if strike.fault is Fault.FULL:
            armed = None
        else:
            armed = stack.enter_context(place.armed(strike, Operation.READING))
        items = items or _items(storage)
        outcomes = _delivered(storage, corner.settings, LocalSettings(path=str(folder)), items)
        after = visible(tree(folder))
        struck = armed.struck if armed else 1
    after.pop(FILLER, None)
    meant = {one.path: READ[one.path] for one in items}  # what is not listed is another cell's
    told = oracle.of_files(
        place.profile, strike.fault, Operation.READING, outcomes, meant, oracle.Seen({}, after)
    )
    return told, struck


def _items(storage: Storage) -> list[PlanItem]:
    listed = call_with_retries(lambda: list(storage.enumerate()), RETRY, StopFlag())[0]
    return [_item(one) for one in listed if isinstance(one, Resource) and one.path in READ]


def _item(one: Resource, action: Action = Action.ADD) -> PlanItem:
    digests = tuple(str(each) for each in one.digests)
    return PlanItem(
        one.path, one.path, one.size, one.etag, None, digests, None, None, (0,), (action,)
    )


def _writing(place: Target, strike: Trigger) -> tuple[Told, int]:
    corner = place.fresh()
    for path, data in STANDING.items():
        corner.seed(path, data)
    with ExitStack() as stack:
        source = Path(stack.enter_context(TemporaryDirectory()))
        for path, data in WRITTEN.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        here = stack.enter_context(closing(LocalSettings(path=str(source)).open(OPTIONS)))
        items = [
            _item(here.stat(path), Action.REPLACE if path in STANDING else Action.ADD)
            for path in WRITTEN
        ]
        outcomes, struck = _at(place, corner, strike, Operation.WRITING, here, items)
    after = corner.look()
    corner.clear()
    told = oracle.of_files(
        place.profile,
        strike.fault,
        Operation.WRITING,
        outcomes,
        WRITTEN,
        oracle.Seen(STANDING, visible(after), kept(after)),
    )
    return told, struck


def _removing(place: Target, strike: Trigger) -> tuple[Told, int]:
    corner = place.fresh()
    for path, data in STANDING.items():
        corner.seed(path, data)
    items = [
        PlanItem(path, path, None, None, None, (), None, None, (0,), (Action.REMOVE,))
        for path in REMOVED
    ]
    with ExitStack() as stack:
        empty = LocalSettings(path=stack.enter_context(TemporaryDirectory()))
        here = stack.enter_context(closing(empty.open(OPTIONS)))
        outcomes, struck = _at(place, corner, strike, Operation.REMOVING, here, items)
    after = corner.look()
    corner.clear()
    told = oracle.of_removal(outcomes, REMOVED, oracle.Seen(STANDING, visible(after), kept(after)))
    return told, struck


def _at(
    place: Target,
    corner: Corner,
    strike: Trigger,
    operation: Operation,
    here: Storage,
    items: list[PlanItem],
) -> tuple[list[Outcome], int]:
    """Deliver to a place, whose connection was used before, with a fault armed."""
    with closing(corner.settings.open(OPTIONS)) as storage:
        storage.stat("d1/other.bin")
        with place.armed(strike, operation) as armed:
            outcomes = deliver(_delivery(here, "file:///here", storage, corner.settings), items)
            return outcomes, armed.struck if armed else 1


def _delivered(
    storage: Storage, settings: ProviderSettings, goal: LocalSettings, items: list[PlanItem]
) -> list[Outcome]:
    with closing(goal.open(OPTIONS)) as here:
        return deliver(_delivery(storage, settings.address(), here, goal), items)


def _delivery(source: Storage, address: str, goal: Storage, settings: ProviderSettings) -> Delivery:
    past = settings.below(HISTORY)
    history = StorageRef(past.address(), lambda: closing(past.open(OPTIONS)))
    return Delivery(
        Endpoint(address, source, RequestLimiter(Limits()), RETRY),
        (Endpoint(settings.address(), goal, RequestLimiter(Limits()), RETRY, history=history),),
        TransferOptions(threads=4),
    )


def _room(stack: ExitStack, folder: Path, fault: Fault) -> Path:
    """Return a folder here to write to: on a full disk, if that is the fault."""
    if fault is not Fault.FULL:
        return folder
    disk = stack.enter_context(small_disk(folder / "disk", 2**24))
    stack.enter_context(full(disk))
    return disk
