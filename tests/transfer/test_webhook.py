"""Webhooks: what is sent, how it is signed, and when it is sent again."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from catalog.errors import (
    AccessDenied,
    Cancelled,
    ConnectionFailed,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)
from catalog.model.outcome import Outcome, Status
from tests.servers.process import free_ports
from tests.servers.webhook_receiver import Inbox
from transfer.webhook import (
    BatchNotification,
    Body,
    Message,
    Receiver,
    build_message,
    build_notification,
    send,
    stored_url,
)
from transfer.workers.retry import RetryPolicy
from transfer.workers.stop import StopFlag

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECRET = b"a key of any length"
MESSAGE = Message("msg_1", b'["s3://b/a"]')
SOON = RetryPolicy(retries=2, first_s=0.01, longest_s=0.05)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as one:
        yield one


def receiver(inbox: Inbox, **more: Any) -> Receiver:  # noqa: ANN401 - any field
    return replace(Receiver(f"{inbox.url}/hook?token=hidden", retry=SOON), **more)


def outcome(path: str, status: Status = Status.STORED, at: str = "s3://b/p") -> Outcome:
    return Outcome(at, path, f"from/{path}", "add", status, digest="0f" * 32, size=5)


def news(*outcomes: Outcome) -> BatchNotification | None:
    return build_notification(
        outcomes, run=("run", "plan", 3), ends=("file:///in", "s3://b/p", "file:///x")
    )


@pytest.mark.parametrize(
    ("address", "path", "url"),
    [
        ("s3://bucket", "a", "s3://bucket/a"),
        ("s3://bucket/prefix", "sub/a", "s3://bucket/prefix/sub/a"),
        ("s3+https://store:9000/bucket/prefix", "a b", "s3://bucket/prefix/a%20b"),
        ("gs+http://localhost:1/bucket", "ü", "gs://bucket/%C3%BC"),
        ("file:///srv/data", "a", "file:///srv/data/a"),
        ("sftp://user@host:2222/in", "a", "sftp://user@host:2222/in/a"),
    ],
)
def test_a_stored_file_has_a_url(address: str, path: str, url: str) -> None:
    assert stored_url(address, path) == url


def test_only_what_was_newly_stored_is_told() -> None:
    others = [outcome(one.value, one) for one in Status if one is not Status.STORED]
    assert news(*others) is None
    told = news(outcome("a"), *others, outcome("a", at="file:///x"))
    assert told is not None
    sent = build_message(told, Body.INGEST, NOW)
    assert sent.content == b'["s3://b/p/a","file:///x/a"]'
    assert sent.message_id == "msg_run_3"


def test_the_full_body_tells_all_of_each_file(inbox: Inbox) -> None:
    told = news(outcome("a"))
    assert told is not None
    send(receiver(inbox), build_message(told, Body.FULL, NOW), StopFlag())
    assert inbox.posts[0].json() == {
        "type": "entrepot.batch.stored",
        "timestamp": "2026-05-01T12:00:00+00:00",
        "data": {
            "run_id": "run",
            "plan_id": "plan",
            "batch": 3,
            "source": "file:///in",
            "destinations": ["s3://b/p", "file:///x"],
            "files": [
                {
                    "path": "a",
                    "origin": "from/a",
                    "destination": "s3://b/p",
                    "url": "s3://b/p/a",
                    "action": "add",
                    "size": 5,
                    "digest": f"sha256:{'0f' * 32}",
                }
            ],
        },
    }


def test_each_try_is_signed_anew_under_one_id(inbox: Inbox) -> None:
    inbox.answer(503, 500)
    assert send(receiver(inbox, secret=SECRET), MESSAGE, StopFlag()) == 3
    for post in inbox.posts:
        assert Webhook(SECRET).verify(post.content, dict(post.headers.items())) == ["s3://b/a"]
    assert {post.headers["webhook-id"] for post in inbox.posts} == {"msg_1"}
    assert {post.headers["content-type"] for post in inbox.posts} == {"application/json"}


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of svix, who wrote it: https://docs.svix.com/receiving/verifying-payloads/how-manual
    secret = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    message = Message("msg_loFOjxBNrRLzqYUf", b'{"event_type":"ping","data":{"success":true}}')
    moment = datetime.fromtimestamp(1731705121, UTC)
    signature = message.headers(secret, moment)["webhook-signature"]
    assert signature == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_without_a_secret_nothing_is_signed(inbox: Inbox) -> None:
    inbox.answer(204)
    assert send(receiver(inbox), MESSAGE, StopFlag()) == 1
    assert inbox.posts[0].headers["webhook-signature"] is None


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [
        (500, StorageFailed, 3),
        (302, UnexpectedReply, 1),
        (400, UnexpectedReply, 1),
        (401, AccessDenied, 1),
    ],
)
def test_what_never_succeeds_is_given_up(
    inbox: Inbox, status: int, kind: type[StorageError], tries: int
) -> None:
    inbox.answer(*[status] * 5, Location="/elsewhere")
    with pytest.raises(kind, match=rf"{inbox.url}: status {status}") as caught:
        send(receiver(inbox), MESSAGE, StopFlag())
    assert "hidden" not in str(caught.value)
    assert len(inbox.posts) == tries


def test_silence_ends_after_the_time_allowed(inbox: Inbox) -> None:
    inbox.answer(200, wait_s=0.5)
    with pytest.raises(TransferTimeout, match=r"no reply within 0\.1 s"):
        send(receiver(inbox, timeout_s=0.1, retry=RetryPolicy(retries=0)), MESSAGE, StopFlag())


def test_nobody_there_is_tried_again() -> None:
    (port,) = free_ports(1)
    gone = Receiver(f"http://127.0.0.1:{port}/", retry=SOON)
    with pytest.raises(ConnectionFailed, match=rf"webhook to http://127\.0\.0\.1:{port}: "):
        send(gone, MESSAGE, StopFlag())


def test_a_wait_ends_when_the_run_is_stopped(inbox: Inbox) -> None:
    inbox.answer(503, Retry_After="30")
    stop = StopFlag()
    patient = receiver(inbox, retry=RetryPolicy(retries=1, longest_s=60.0))

    def end_the_wait() -> None:
        while not inbox.posts:
            time.sleep(0.01)
        stop.set()

    Thread(target=end_the_wait, daemon=True).start()
    with pytest.raises(Cancelled):
        send(patient, MESSAGE, stop)
    assert len(inbox.posts) == 1


def test_neither_address_nor_secret_is_shown(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    one = receiver(inbox, secret=b"hidden")
    with caplog.at_level(logging.DEBUG):
        send(one, MESSAGE, StopFlag())
    assert "hidden" not in caplog.text + repr(one) + one.label
