"""Slots: one tenant asks the catalog so often at a time, and the others find theirs free."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi.routing import APIRoute

from catalog.store.query_budget import Budget, query_budget
from gateway.http.errors import RequestRefused
from gateway.limits.slots import (
    THREADS,
    WAITING,
    Slots,
    Threads,
    default_slots,
    set_tenant,
    takes_slot,
)
from tests.gateway.conftest import serving

TENANTS: dict[str, dict[str, Any]] = {"acme": {"repositories": {}}, "beta": {"repositories": {}}}
SLOW = "sha256(" * 110 + "sha256" + ")" * 110 + " = 'x'"


class Counted:
    """How many hold a slot now, and how many did at most."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.now = self.most = 0

    async def hold(self, slots: Slots, tenant: str, over: anyio.Event) -> None:
        """Hold a slot until it is over."""
        async with slots.slot(tenant):
            self.now += 1
            self.most = max(self.most, self.now)
            await over.wait()
            self.now -= 1


def test_a_tenant_holds_so_many_slots_and_the_others_theirs() -> None:
    async def tried() -> None:
        slots, acme, over = Slots(2, 60), Counted(), anyio.Event()
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(acme.hold, slots, "acme", over)
            await anyio.wait_all_tasks_blocked()
            assert (acme.now, acme.most) == (2, 2)
            async with slots.slot("beta"), slots.slot("beta"):
                assert acme.now == 2
            over.set()
        assert (acme.now, acme.most) == (0, 2)
        async with slots.slot("acme"):
            pass

    anyio.run(tried)


def test_slots_come_in_the_order_in_which_they_were_asked_for() -> None:
    async def tried() -> list[int]:
        slots, came = Slots(1, 60), list[int]()

        async def asks(number: int) -> None:
            async with slots.slot("acme"):
                came.append(number)

        async with anyio.create_task_group() as group, slots.slot("acme"):
            for number in range(5):
                group.start_soon(asks, number)
                await anyio.wait_all_tasks_blocked()
        return came

    assert anyio.run(tried) == [0, 1, 2, 3, 4]


def test_who_waits_for_too_long_or_behind_too_many_is_refused() -> None:
    async def tried() -> list[str]:
        slots, over, told = Slots(1, 0.05), anyio.Event(), list[str]()
        patient = Slots(1, 60)
        async with anyio.create_task_group() as group, slots.slot("acme"):
            with pytest.raises(RequestRefused, match=r"no slot was free for 0\.05 s") as late:
                await slots.slot("acme").__aenter__()
            told.append(late.value.headers["Retry-After"])
            for _ in range(WAITING + 1):
                group.start_soon(Counted().hold, patient, "acme", over)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(
                RequestRefused, match=f"{WAITING} requests of this tenant are already"
            ) as many:
                await patient.slot("acme").__aenter__()
            told.append(many.value.headers["Retry-After"])
            async with patient.slot("beta"):
                over.set()
        return told

    assert anyio.run(tried) == ["1", "1"]


def test_who_has_left_asks_nothing_when_the_slot_comes() -> None:
    async def tried() -> None:
        slots = Slots(1, 60)
        with query_budget(Budget(60)) as budget:
            budget.leave()
            with pytest.raises(RequestRefused, match="disconnected"):
                await slots.slot("acme").__aenter__()
        async with slots.slot("acme"):  # and holds none
            pass

    anyio.run(tried)


def test_the_threads_of_one_tenant_are_no_others() -> None:
    done, all_begin = threading.Event(), threading.Barrier(THREADS + 1, timeout=60)

    def waits() -> None:
        if not done.is_set():
            all_begin.wait()
            done.wait(60)

    async def tried() -> list[int]:
        threads, answers = Threads(), list[int]()

        async def holds() -> None:
            set_tenant("acme")
            await anyio.to_thread.run_sync(waits, limiter=threads.limiter())

        async with anyio.create_task_group() as group:
            for _ in range(THREADS + 5):
                group.start_soon(holds)
            set_tenant("beta")
            own = threads.limiter()
            await anyio.to_thread.run_sync(all_begin.wait, limiter=own)  # acme has all of its own
            answers.append(await anyio.to_thread.run_sync(lambda: 42, limiter=own))
            done.set()
        return answers

    assert anyio.run(tried) == [42]


def test_every_route_that_asks_the_catalog_in_a_thread_takes_a_slot() -> None:
    from gateway.routers import ROUTERS  # noqa: PLC0415 - it loads Prefect

    routes = [cast("APIRoute", route) for router in ROUTERS for route in router.routes]
    free = {one.endpoint.__module__ for one in routes if not takes_slot(one.endpoint)}
    names = {one.endpoint.__name__ for one in routes if not takes_slot(one.endpoint)}
    assert free == {
        "gateway.resources.routes",
        "gateway.resources.chunked_uploads",
        "gateway.api.start_runs",
        "gateway.api.flow_runs",
        "gateway.api.profiles",
    }
    assert names & {"list_resources", "copy", "move", "delete", "metadata", "versions"} == set()
    assert names >= {"fetch", "commit", "profiled"}


def test_the_default_leaves_cores_to_others() -> None:
    assert 1 <= default_slots() <= max(1, (os.cpu_count() or 1) // 2)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def test_the_slow_questions_of_one_tenant_run_so_many_at_a_time(tmp_path: Path) -> None:
    from tests.gateway.limits.test_query_budget import fill  # noqa: PLC0415

    with serving(tmp_path, tenants=TENANTS, limits={"questions": 2}) as running:
        fill(running.catalog, "n")
        slots = running.application.gateway.slots
        over = threading.Event()

        def asks() -> None:
            params = {"where": SLOW, "every_version": "true"}
            with httpx.Client(base_url=running.url, timeout=120) as client:
                while not over.is_set():
                    client.get("/v1/acme/resources/list", params=params)

        def waiting() -> int:
            return int(slots.statistics("acme").tasks_waiting)

        with ThreadPoolExecutor(8) as pool:
            asking = [pool.submit(asks) for _ in range(6)]
            until(lambda: waiting() >= 3)
            for number in range(5):  # others are served from their own slots meanwhile
                url = f"/v1/beta/resources/upload/{number}"
                assert running.client.put(url, content=b"x").status_code == 201
                listed = running.client.get("/v1/beta/resources/list").json()["metadata"]
                assert len(listed) == number + 1
                assert slots.statistics("beta").tasks_waiting == 0
            until(lambda: waiting() >= 3)
            over.set()
            for one in asking:
                one.result(300)
