"""Log lines are JSON or text, bear the request's id, and hold no secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, StreamingResponse

from catalog.errors import InvalidInput
from gateway.http.request_id import RequestIdMiddleware
from gateway.ops.access_log import AccessLog
from gateway.ops.logs import GatewayHandler, LogFormat, configure_logs
from gateway.ops.redaction import redact, redact_value
from tests.gateway.serving import serving

LOG = logging.getLogger("tests.gateway")


class Lines(io.StringIO):
    """A stream that says when a line came."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.came = threading.Semaphore(0)

    def write(self, text: str) -> int:
        """Take a line."""
        written = super().write(text)
        if "gateway.access" in text:
            self.came.release()
        return written

    def all(self) -> list[dict[str, Any]]:
        """Return every line."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        """Return the lines of one logger."""
        return [one for one in self.all() if one["logger"] == logger]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Log to memory; put everything back afterwards."""
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    level = root.level
    stream = Lines()
    configure_logs(LogFormat.JSON, "info", stream)
    yield stream
    for one in [one for one in root.handlers if isinstance(one, GatewayHandler)]:
        root.removeHandler(one)
    root.setLevel(level)
    access.disabled = False


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***"),
        ("{'authorization': 'Basic dXNl', 'a': 1}", "{'authorization': ***, 'a': 1}"),
        ("(b'authorization', b'Bearer x y')", "(b'authorization', b***)"),
        ("Proxy-Authorization: Digest a=b", "Proxy-Authorization: ***"),
        ("sent Bearer abc.def on", "sent Bearer *** on"),
        ("/a?token=abc&b=1", "/a?token=***&b=1"),
        ("/a?access_token=abc", "/a?access_token=***"),
        ("/a?X-Amz-Signature=0f&X-Amz-Date=1", "/a?X-Amz-Signature=***&X-Amz-Date=1"),
        ("/a?X-Amz-Security-Token=0f", "/a?X-Amz-Security-Token=***"),
        ("/a?sv=1&sig=a%2Bb", "/a?sv=1&sig=***"),
        ("Signature=0f, a", "Signature=***, a"),
        ("s3://ann:pa55@host/a", "s3://***@host/a"),
        ("sftp://:pa@55@host/a", "sftp://***@host/a"),
        ('{"password": "a b", "c": 1}', '{"password": \'***\', "c": 1}'),
        ("http://host:80/a@b?design=1", "http://host:80/a@b?design=1"),
        ("the signature is bad", "the signature is bad"),
    ],
)
def test_secrets_are_blanked(text: str, told: str) -> None:
    assert redact(text) == told


def test_what_bears_the_name_of_a_secret_is_blanked_however_deep() -> None:
    given = {"a": [{"api_key": "s", "n": 1, "u": "x://u:p@h"}], "token": b"s", "b": b"token=s"}
    assert redact_value(given) == {
        "a": [{"api_key": "***", "n": 1, "u": "x://***@h"}],
        "token": "***",
        "b": "b'token=***'",
    }


def test_a_line_is_one_json_object_without_secrets(lines: Lines) -> None:
    LOG.info(
        "asked %s\nforged", "https://u:secret@h/?token=secret", extra={"path": "/a?sig=secret"}
    )
    LOG.warning("%d", "secret=secret")  # noqa: PLE1205, RUF100 - arguments that do not fit
    try:
        raise ValueError("token=secret")
    except ValueError:
        LOG.exception("failed", extra={"password": "secret", "files": 3})

    first, second, third = lines.of("tests.gateway")
    assert first["message"] == "asked https://***@h/?token=***\nforged"
    assert first["path"] == "/a?sig=***"
    assert first["level"] == "info"
    assert first["time"].endswith("Z")
    assert first["request_id"] is None
    assert second["level"] == "warning"
    assert (third["password"], third["files"]) == ("***", 3)
    assert "ValueError: token=***" in third["exception"]
    assert "=secret" not in lines.getvalue()


def test_a_text_line_is_one_line(lines: Lines) -> None:
    configure_logs(LogFormat.TEXT, "warn", lines)
    LOG.info("not told")
    LOG.warning("a\r\nb \x1b[1m é", extra={"size": 1})
    (line,) = lines.getvalue().splitlines()
    assert line.endswith(r"Z warning tests.gateway [-] a\r\nb \x1b[1m é size=1")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(InvalidInput, match="unknown log level 'loud': use one of all, debug"):
        configure_logs(level="loud")


def test_each_request_is_logged_once(lines: Lines) -> None:
    app = FastAPI()

    @app.post("/v1/{tenant}")
    async def take(request: Request, tenant: str) -> PlainTextResponse:
        request.state.tenant = tenant
        LOG.info("within")
        return PlainTextResponse("hello")

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError

    with serving(RequestIdMiddleware(AccessLog(app))) as client:
        client.post("/v1/ann?token=secret&a=b", headers={"X-Request-ID": "one"})
        client.get("/broken", headers={"X-Request-ID": "two"})

    first, second = lines.of("gateway.access")
    duration = first.pop("duration_ms")
    assert duration >= 0
    del first["time"]
    assert first == {
        "level": "info",
        "logger": "gateway.access",
        "message": "POST /v1/ann 200",
        "request_id": "one",
        "method": "POST",
        "path": "/v1/ann?token=***&a=b",
        "status": 200,
        "bytes_sent": 5,
        "client": "127.0.0.1",
        "tenant": "ann",
        "client_gone": False,
    }
    assert (second["status"], second["tenant"], second["client_gone"]) == (500, "none", False)
    assert [one["request_id"] for one in lines.of("tests.gateway")] == ["one"]
    failures = [one for one in lines.of("uvicorn.error") if "exception" in one]
    assert [one["request_id"] for one in failures] == ["two"]
    assert not lines.of("uvicorn.access")


def test_a_client_that_leaves_is_told_of(lines: Lines) -> None:
    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    app = FastAPI()

    @app.get("/forever")
    def stream() -> StreamingResponse:
        return StreamingResponse(forever())

    with serving(RequestIdMiddleware(AccessLog(app))) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as one:
            one.sendall(b"GET /forever HTTP/1.1\r\nHost: here\r\n\r\n")
            assert one.recv(100)
        assert lines.came.acquire(timeout=30)
    (line,) = lines.of("gateway.access")
    assert (line["status"], line["client_gone"]) == (200, True)
    assert line["bytes_sent"] > 0
