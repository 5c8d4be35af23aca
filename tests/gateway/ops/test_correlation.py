"""A request's id is in its reply, in its errors, and in what is logged meanwhile."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from gateway.http.request_id import HEADER, RequestIdMiddleware, choose_id, request_id
from tests.gateway.serving import serving

NEW = re.compile(r"[0-9a-f]{32}")


def app() -> ASGIApp:
    app = FastAPI()

    @app.get("/id")
    def id_in_a_thread() -> PlainTextResponse:
        return PlainTextResponse(request_id() or "", headers={"X-Request-ID": "of the app"})

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError

    return RequestIdMiddleware(app)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving(app()) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Request-ID": "a.B-1:_"}, "a.B-1:_"),
        ({"Correlation-ID": "other"}, "other"),
        ({"X-Request-ID": "first", "Correlation-ID": "other"}, "first"),
        ({"X-Request-ID": "with space", "Correlation-ID": "other"}, "other"),
        ({"X-Request-ID": "x" * 100}, "x" * 100),
    ],
)
def test_a_safe_id_is_taken_over(client: httpx.Client, headers: dict[str, str], found: str) -> None:
    reply = client.get("/id", headers=headers)
    assert reply.headers.get_list("x-request-id") == [found]
    assert reply.text == found


@pytest.mark.parametrize("unsafe", ["", "a b", 'a"b', "x" * 101, "é"])
def test_an_unsafe_id_is_replaced(client: httpx.Client, unsafe: str) -> None:
    reply = client.get("/id", headers=[(b"X-Request-ID", unsafe.encode())])
    assert NEW.fullmatch(reply.headers["x-request-id"])


def test_each_request_has_an_id_of_its_own(client: httpx.Client) -> None:
    assert len({client.get("/id").text for _ in range(10)}) == 10
    assert request_id() is None


def test_errors_bear_the_id_and_what_the_server_logs_of_them_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ids: list[str | None] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.exc_info:
            ids.append(request_id())
        return True

    caplog.handler.addFilter(keep)
    with serving(app()) as client:  # which ends before it is asked what it logged
        for path, status in (("/nowhere", 404), ("/broken", 500)):
            reply = client.get(path, headers={"X-Request-ID": "mine"})
            assert (reply.status_code, reply.headers["x-request-id"]) == (status, "mine")
    caplog.handler.removeFilter(keep)
    assert ids == ["mine"]


def test_of_one_header_given_twice_the_first_counts() -> None:
    assert choose_id([(HEADER, b"a"), (HEADER, b"b")]) == "a"
