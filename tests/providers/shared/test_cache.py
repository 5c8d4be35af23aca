"""Connections shared by settings that differ in their place only, and by nobody else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from catalog.errors import InvalidInput
from providers.base import Attributes, OpenOptions, ProviderSettings
from providers.connection import keep_open
from providers.connection_cache import ConnectionCache
from tests.providers.line import Exchange, LineSettings

OPTIONS = OpenOptions()
Make = Callable[..., LineSettings]


@pytest.fixture
def exchange() -> Exchange:
    """Begin with no line made."""
    return Exchange()


@pytest.fixture
def line(exchange: Exchange) -> Make:
    """Make settings of one exchange."""

    def make(path: str = "a", account: str = "a") -> LineSettings:
        return LineSettings(path=path, account=account, exchange=exchange)

    return make


class Clock:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s


def use(cache: ConnectionCache, settings: ProviderSettings) -> None:
    with cache.open(settings, OPTIONS):
        pass


def test_settings_that_differ_in_their_place_share_one_connection(
    line: Make, exchange: Exchange
) -> None:
    cache = ConnectionCache()
    use(cache, line(path="a"))
    use(cache, line(path="b"))
    assert (len(cache), len(exchange.lines)) == (1, 1)
    use(cache, line(account="b"))
    assert (len(cache), len(exchange.lines)) == (2, 2)


def test_a_failed_connect_leaves_nothing(line: Make) -> None:
    cache = ConnectionCache()
    with pytest.raises(InvalidInput):
        use(cache, line(account="nobody"))
    assert len(cache) == 0


def test_each_storage_has_its_own_place_and_closing_it_keeps_the_connection(
    line: Make, exchange: Exchange
) -> None:
    cache = ConnectionCache()
    with cache.open(line(path="one"), OPTIONS) as one, cache.open(line(), OPTIONS) as other:
        one.put("x", b"x", Attributes())
        assert list(other.enumerate()) == []
        one.remove("x")
        one.close()
    assert exchange.lines[0].closed == 0
    cache.clear()
    assert exchange.lines[0].closed == 1


def test_closing_what_was_opened_alone_closes_its_connection(
    line: Make, exchange: Exchange
) -> None:
    line().open(OPTIONS).close()
    assert exchange.lines[0].closed == 1


def test_a_connection_asked_for_after_its_time_lives_on_and_another_does_not(
    line: Make, exchange: Exchange
) -> None:
    clock = Clock()
    cache = ConnectionCache(ttl_s=10.0, clock=clock)
    use(cache, line(account="a"))
    use(cache, line(account="b"))
    clock.now_s = 11.0
    use(cache, line(account="a"))
    assert [one.closed for one in exchange.lines] == [0, 1]
    assert cache.sweep() == 0
    clock.now_s = 20.0
    use(cache, line(account="a"))  # every use counts anew
    clock.now_s = 29.0
    assert cache.sweep() == 0
    clock.now_s = 31.0
    assert cache.sweep() == 1
    assert (len(cache), exchange.lines[0].closed) == (0, 1)


def test_a_connection_in_use_does_not_expire(line: Make, exchange: Exchange) -> None:
    clock = Clock()
    cache = ConnectionCache(ttl_s=10.0, clock=clock)
    with cache.open(line(), OPTIONS):
        clock.now_s = 100.0
        assert cache.sweep() == 0
        use(cache, line())
    assert (len(exchange.lines), exchange.lines[0].closed) == (1, 0)


@pytest.mark.parametrize("ttl_s", [0.0, -1.0])
def test_without_a_time_to_live_nothing_expires(line: Make, ttl_s: float) -> None:
    clock = Clock()
    cache = ConnectionCache(ttl_s=ttl_s, clock=clock)
    use(cache, line())
    clock.now_s = 1e9
    assert cache.sweep() == 0
    assert len(cache) == 1


def test_the_longest_unused_goes_when_there_are_too_many(line: Make, exchange: Exchange) -> None:
    clock = Clock()
    cache = ConnectionCache(capacity=2, clock=clock)
    for account in ("a", "b", "a", "c"):
        clock.now_s += 1.0
        use(cache, line(account=account))
    assert len(cache) == 2
    assert [one.closed for one in exchange.lines] == [0, 1, 0]


def test_what_is_evicted_while_in_use_is_closed_when_the_last_user_lets_go(
    line: Make, exchange: Exchange
) -> None:
    cache = ConnectionCache(capacity=1)
    with ExitStack() as outer:
        outer.enter_context(cache.open(line(), OPTIONS))
        with cache.open(line(), OPTIONS):
            use(cache, line(account="b"))
            assert (len(cache), len(exchange.lines)) == (1, 2)
        assert exchange.lines[0].closed == 0
    assert exchange.lines[0].closed == 1
    assert exchange.lines[1].closed == 0


def test_clearing_closes_what_is_in_use_when_it_is_let_go(line: Make, exchange: Exchange) -> None:
    cache = ConnectionCache()
    with cache.open(line(), OPTIONS):
        cache.clear()
        assert (len(cache), exchange.lines[0].closed) == (0, 0)
    assert exchange.lines[0].closed == 1


def test_many_threads_connect_once(line: Make, exchange: Exchange) -> None:
    cache, barrier = ConnectionCache(), threading.Barrier(8)

    def ask(number: int) -> None:
        barrier.wait()
        use(cache, line(path=str(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert (len(cache), len(exchange.lines)) == (1, 1)


def test_whoever_connects_slowly_holds_up_nobody_else(line: Make, exchange: Exchange) -> None:
    cache, begun, go = ConnectionCache(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert go.wait(60)

    with ThreadPoolExecutor(2) as pool:
        exchange.waiting = slow
        first = pool.submit(use, cache, line(account="slow"))
        assert begun.wait(60)
        exchange.waiting = keep_open
        use(cache, line(account="quick"))
        second = pool.submit(use, cache, line(account="slow"))
        go.set()
        first.result(60)
        second.result(60)
    assert (len(cache), len(exchange.lines)) == (2, 2)


def test_a_second_thread_tries_again_where_the_first_failed(line: Make, exchange: Exchange) -> None:
    cache, begun, go = ConnectionCache(), threading.Event(), threading.Event()

    def fails() -> None:
        exchange.waiting = keep_open
        begun.set()
        assert go.wait(60)
        raise InvalidInput("not now")

    exchange.waiting = fails
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(use, cache, line())
        assert begun.wait(60)
        second = pool.submit(use, cache, line())
        go.set()
        with pytest.raises(InvalidInput):
            first.result(60)
        second.result(60)
    use(cache, line())
    assert len(cache) == 1
    assert sum(one.closed == 0 for one in exchange.lines) == 1


def test_a_forked_child_connects_anew_and_closes_nothing_of_its_parent(
    line: Make, exchange: Exchange
) -> None:
    cache = ConnectionCache()
    with cache.open(line(), OPTIONS):
        child = os.fork()
        if child == 0:
            status = 1
            try:  # nothing may leave the child but its status
                fresh = len(cache) == 0
                use(cache, line())
                mine = [one.pid for one in exchange.lines[1:]] == [os.getpid()]
                cache.clear()
                kept = [one.closed for one in exchange.lines] == [0, 1]
                status = 0 if fresh and mine and kept else 1
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
    use(cache, line())
    assert [one.closed for one in exchange.lines] == [0]
