"""The kit does what it says: each fault strikes where it is told to, and nothing while unarmed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.faults.kit.disk import full, small_disk
from tests.faults.kit.fault_kinds import Direction, Ending, Fault, Often, Told
from tests.faults.kit.http_proxy import HttpProxy
from tests.faults.kit.matrix import watched
from tests.faults.kit.starting import behind_a_web
from tests.faults.kit.tcp_proxy import TcpProxy
from tests.faults.kit.trigger import Trigger
from tests.servers.faulty import FaultyServer

BODY = bytes(range(256)) * 400
ONCE, ALWAYS = Often.ONCE, Often.ALWAYS


@pytest.fixture
def wires(faulty_server: FaultyServer) -> Iterator[tuple[TcpProxy, HttpProxy]]:
    faulty_server.files["/f"] = BODY
    with ExitStack() as stack:
        yield behind_a_web(faulty_server.port, stack)


def got(wire: TcpProxy) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{wire.port}/f", timeout=0.5, trust_env=False)


def test_a_wire_that_is_not_armed_changes_nothing(wires: tuple[TcpProxy, HttpProxy]) -> None:
    assert got(wires[0]).content == BODY


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RESET, httpx.ReadError),
        (Fault.TRUNCATE, httpx.RemoteProtocolError),
        (Fault.STALL, httpx.ReadTimeout),
        (Fault.GONE, httpx.ReadError),
    ],
)
def test_a_stream_breaks_half_way_so_often_as_it_is_told(
    wires: tuple[TcpProxy, HttpProxy], fault: Fault, error: type[Exception]
) -> None:
    wire, _ = wires
    with wire.armed(Trigger(fault, Direction.DOWN, ALWAYS, 50_000)):
        with pytest.raises(error):
            got(wire)
        with pytest.raises((error, httpx.ConnectError)):
            got(wire)
    assert got(wire).content == BODY
    if fault is not Fault.GONE:
        with wire.armed(Trigger(fault, Direction.DOWN, ONCE, 50_000)) as armed:
            with pytest.raises(error):
                got(wire)
            assert got(wire).content == BODY
            assert armed.struck == 1


def test_one_bit_is_flipped_and_slow_is_whole(wires: tuple[TcpProxy, HttpProxy]) -> None:
    wire, _ = wires
    with wire.armed(Trigger(Fault.FLIP, Direction.DOWN, ONCE, 50_000)):
        found = got(wire).content
    assert sum(one != other for one, other in zip(found, BODY, strict=True)) == 1
    with wire.armed(Trigger(Fault.SLOW, Direction.DOWN, ONCE, 1)):
        assert got(wire).content == BODY


def test_replies_are_changed_or_taken_over(wires: tuple[TcpProxy, HttpProxy]) -> None:
    wire, web = wires
    for fault, status in ((Fault.TOO_MANY, 429), (Fault.BUSY, 503), (Fault.AWAY, 302)):
        with web.armed(Trigger(fault, often=ONCE)):
            reply = got(wire)
            assert reply.status_code == status
            assert got(wire).content == BODY
        assert ("retry-after" in reply.headers) is (fault is not Fault.AWAY)
    where = reply.headers["location"]
    assert b"Sign in" in httpx.get(where, trust_env=False).content
    with web.armed(Trigger(Fault.SIZE, often=ALWAYS)):
        assert got(wire).content == BODY[: len(BODY) // 2]
    with web.armed(Trigger(Fault.ETAG, often=ALWAYS)):
        assert len({got(wire).headers["etag"] for _ in range(3)}) == 3


def test_a_full_disk_takes_nothing_more_until_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2**20) as disk:
        with full(disk), pytest.raises(OSError, match="No space left"):
            (disk / "f").write_bytes(BODY)
        (disk / "f").write_bytes(BODY)
    assert not os.path.ismount(tmp_path / "disk")


def test_what_does_not_end_hangs_and_what_is_raised_is_judged() -> None:
    left, right = socket.socketpair()
    with left, right:
        assert watched(lambda: Told(Ending(left.recv(1)[0])), 0.2).ending is Ending.HUNG
        right.send(b"\x00")
    assert watched(lambda: Told(Ending.RIGHT)).ending is Ending.RIGHT
    nothing: dict[str, Told] = {}
    assert watched(lambda: nothing["x"]).ending is Ending.WRONG
