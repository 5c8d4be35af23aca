"""What is too large or too much is refused, with a reply that says so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Thread

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from catalog.errors import InvalidInput
from gateway.http.request_id import RequestIdMiddleware
from gateway.limits.middleware import RequestLimits
from gateway.limits.rules import BodyLimit, ConcurrencyLimit, HeadLimit, RateLimit
from tests.gateway.serving import serving


@dataclass(slots=True)
class Clock:
    """A clock that stands still until told."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_bucket_holds_a_burst_and_fills_again() -> None:
    clock = Clock()
    rate = RateLimit(2, 3, clock=clock)
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rate.take("b") == 0
    clock.now = 0.5
    assert [rate.take("a") for _ in range(2)] == [0, 0.5]
    clock.now = 100
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_who_is_refused_is_not_punished_for_asking() -> None:
    clock = Clock()
    rate = RateLimit(1, 1, clock=clock)
    assert rate.take("a") == 0
    for _ in range(10):
        assert rate.take("a") == 1
    clock.now = 1
    assert rate.take("a") == 0


def test_idle_callers_are_forgotten_and_the_rest_is_bounded() -> None:
    clock = Clock()
    rate = RateLimit(1, 2, callers=5, clock=clock)
    for number in range(9):
        rate.take(str(number))
    assert len(rate) == 5
    clock.now = 2
    rate.take("new")
    assert len(rate) == 1


@pytest.mark.parametrize(("rate", "burst", "callers"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_limits_that_let_nobody_in_are_refused(rate: float, burst: int, callers: int) -> None:
    with pytest.raises(InvalidInput):
        RateLimit(rate, burst, callers=callers)
    with pytest.raises(InvalidInput):
        ConcurrencyLimit(0)


def test_retry_after_is_in_whole_seconds() -> None:
    rate = RateLimit(0.4, 1, clock=Clock())
    rate.take("a")
    refused = rate.refusal("a")
    assert refused is not None
    assert (refused.status, refused.headers()) == (429, [(b"retry-after", b"3")])


def test_a_body_is_counted_and_none_is_no_limit() -> None:
    body = BodyLimit(10)
    assert [body.over(5), body.over(5), body.over(1)] == [False, False, True]
    assert BodyLimit(10).refusal([(b"content-length", b"10")]) is None
    assert BodyLimit(10).refusal([(b"content-length", b"11")]) is not None
    assert BodyLimit(None).refusal([(b"content-length", b"9" * 20)]) is None
    assert not BodyLimit(None).over(10**20)


@dataclass(slots=True)
class App:
    """An app whose uploads wait until they may end."""

    held: Event = field(default_factory=Event)
    entered: Event = field(default_factory=Event)
    undone: list[int] = field(default_factory=list[int])

    def fastapi(self) -> FastAPI:
        """Return its routes."""
        app = FastAPI()

        @app.post("/json")
        async def take(request: Request) -> int:
            return len(await request.body())

        @app.post("/upload")
        async def upload(request: Request) -> int:
            found = 0
            try:
                async for part in request.stream():
                    found += len(part)
            except ClientDisconnect:
                self.undone.append(found)
                raise
            return found

        @app.post("/wrong")
        async def wrong(body: dict[str, str]) -> dict[str, str]:
            return body

        @app.get("/hold")
        def hold() -> str:
            self.entered.set()
            assert self.held.wait(120)
            return "held"

        @app.get("/healthz")
        def healthz() -> str:
            return "ok"

        return app


def body_of(scope: Scope) -> int | None:
    return 5000 if scope["path"] == "/upload" else 100


@pytest.fixture(scope="module")
def app() -> App:
    return App()


@pytest.fixture(scope="module")
def client(app: App) -> Iterator[httpx.Client]:
    limited = RequestLimits(
        app.fastapi(),
        head=HeadLimit(size=2000, count=20),
        body=body_of,
        rate=RateLimit(0.001, 3),
        caller=lambda scope: dict(scope["headers"]).get(b"x-caller", b"").decode(),
        under_way=ConcurrencyLimit(1),
    )
    with serving(RequestIdMiddleware(limited)) as client:
        yield client


def refused(reply: httpx.Response) -> tuple[int, str]:
    told = reply.json()
    assert set(told) == {"error", "request_id"}
    assert told["request_id"] == reply.headers["x-request-id"]
    assert told["error"]["message"]
    return reply.status_code, told["error"]["kind"]


def as_caller(name: str) -> dict[str, str]:
    return {"X-Caller": name}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/json", {"X-Large": "x" * 2000}),
        ("/json", {f"X-{n}": "1" for n in range(20)}),
        ("/json?" + "x" * 2000, {}),
    ],
    ids=["size", "count", "query"],
)
def test_a_head_that_is_too_large_is_refused(
    client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    assert refused(client.post(path, headers=headers)) == (431, "HeadTooLarge")


@pytest.mark.parametrize("path", ["/json", "/wrong"])
def test_a_body_that_declares_too_much_is_refused(client: httpx.Client, path: str) -> None:
    reply = client.post(path, content=b"x" * 101, headers=as_caller(f"declared {path}"))
    assert refused(reply) == (413, "BodyTooLarge")


@pytest.mark.parametrize("path", ["/json", "/wrong"])
def test_a_body_that_declares_nothing_is_counted(client: httpx.Client, path: str) -> None:
    parts = (b"x" * 50 for _ in range(100))
    reply = client.post(path, content=parts, headers=as_caller(f"counted {path}"))
    assert refused(reply) == (413, "BodyTooLarge")


def test_an_upload_may_be_larger_and_is_undone_where_it_is_too_large(
    client: httpx.Client, app: App
) -> None:
    headers = as_caller("upload")
    assert client.post("/upload", content=b"x" * 5000, headers=headers).json() == 5000
    parts = (b"x" * 50 for _ in range(101))
    assert refused(client.post("/upload", content=parts, headers=headers))[0] == 413
    assert len(app.undone) == 1
    assert app.undone[0] <= 5000


def test_who_asks_before_sending_is_told_before(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as one:
        one.sendall(
            b"POST /upload HTTP/1.1\r\nHost: here\r\nX-Caller: expecting\r\n"
            b"Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"
        )
        reply = b""
        while part := one.recv(1000):
            reply += part
    assert reply.startswith(b"HTTP/1.1 413 ")


def test_who_asks_too_often_is_told_when_to_come_back(client: httpx.Client) -> None:
    replies = [client.post("/json", headers=as_caller("often")) for _ in range(4)]
    assert [one.status_code for one in replies] == [200, 200, 200, 429]
    assert refused(replies[-1]) == (429, "TooManyRequests")
    assert int(replies[-1].headers["retry-after"]) > 1
    assert client.post("/json", headers=as_caller("another")).status_code == 200
    assert [client.get("/healthz").status_code for _ in range(5)] == [200] * 5


def test_too_many_at_once_are_refused_but_not_those_who_look_after_it(
    client: httpx.Client, app: App
) -> None:
    app.held.clear()
    app.entered.clear()
    found: list[int] = []

    def ask() -> None:
        found.append(client.get("/hold", headers=as_caller("holds")).status_code)

    thread = Thread(target=ask)
    thread.start()
    try:
        assert app.entered.wait(120)
        reply = client.post("/json", headers=as_caller("second"))
        assert refused(reply) == (503, "Overloaded")
        assert reply.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
    finally:
        app.held.set()
        thread.join()
    assert found == [200]
    assert client.post("/json", headers=as_caller("third")).status_code == 200
