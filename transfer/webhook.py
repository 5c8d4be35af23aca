"""Webhooks: announce over HTTP which files a batch has newly stored.

Messages are signed as specified by https://www.standardwebhooks.com. A message keeps its id when it
is sent again, so that receivers can recognize it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import httpx
from standardwebhooks import Webhook

from catalog.errors import ConnectionFailed, StorageError, TransferTimeout
from catalog.model.outcome import Outcome, Status
from providers.http.headers import status_error
from providers.shared.url import quote_path
from transfer.workers.retry import RetryPolicy, call_with_retries
from transfer.workers.stop import StopFlag

EVENT_TYPE = "entrepot.batch.stored"
DEFAULT_RETRY = RetryPolicy(retries=3, first_s=1.0, longest_s=30.0)
TIMEOUT_S = 10.0

_sending: ContextVar[bool] = ContextVar("sending", default=False)


class Body(StrEnum):
    """The content of a message."""

    INGEST = "ingest"
    """A JSON array of the URLs of the stored files, as sent by connylabs/ingest."""
    FULL = "full"
    """A JSON object: the run, the batch, both ends, and path, size and digest of each file."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where and how messages are sent; its address and secret are never shown."""

    url: str = field(repr=False)
    secret: bytes = field(default=b"", repr=False)
    body: Body = Body.INGEST
    retry: RetryPolicy = DEFAULT_RETRY
    timeout_s: float = TIMEOUT_S

    @property
    def label(self) -> str:
        """Return scheme and host only: the rest may be a secret."""
        url = httpx.URL(self.url)
        return f"{url.scheme}://{url.netloc.decode('ascii')}"


@dataclass(frozen=True, slots=True)
class BatchNotification:
    """What one batch of a run newly stored; never empty."""

    run_id: str
    plan_id: str
    batch: int
    source: str
    destinations: tuple[str, ...]
    stored: tuple[Outcome, ...]

    @property
    def message_id(self) -> str:
        """Return the id by which a receiver recognizes the message."""
        return f"msg_{self.run_id}_{self.batch}"


@dataclass(frozen=True, slots=True)
class Message:
    """A message: the same bytes under the same id, however often it is sent."""

    message_id: str
    content: bytes

    def headers(self, secret: bytes, moment: datetime) -> dict[str, str]:
        """Return the headers for sending at `moment`, with a signature if there is a secret."""
        headers = {
            "content-type": "application/json",
            "webhook-id": self.message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
        }
        if secret:
            text = self.content.decode()
            headers["webhook-signature"] = Webhook(secret).sign(self.message_id, moment, text)
        return headers


def stored_url(address: str, path: str) -> str:
    """Return the URL of a file at a destination; for a bucket without the server's host.

    >>> stored_url("s3+http://localhost:9000/bucket/prefix", "a b")
    's3://bucket/prefix/a%20b'
    """
    scheme, _, rest = address.partition("://")
    store, plus, _ = scheme.partition("+")
    root = rest.partition("/")[2] if plus else rest
    return f"{store}://{root.rstrip('/')}/{quote_path(path)}"


def build_notification(
    outcomes: Iterable[Outcome], *, run: tuple[str, str, int], ends: tuple[str, ...]
) -> BatchNotification | None:
    """Return the notification for a batch's outcomes; None if nothing was stored.

    `run` is (run id, plan id, number of the batch), `ends` the addresses, the source's first.
    """
    stored = tuple(outcome for outcome in outcomes if outcome.status is Status.STORED)
    return BatchNotification(*run, ends[0], ends[1:], stored) if stored else None


def build_message(news: BatchNotification, body: Body, moment: datetime) -> Message:
    """Build the message; `moment` is when the batch was recorded."""
    body_json = _ingest_body(news) if body is Body.INGEST else _full_body(news, moment)
    return Message(news.message_id, json.dumps(body_json, separators=(",", ":")).encode())


def send(receiver: Receiver, message: Message, stop: StopFlag) -> int:
    """Send a message until a reply with status 2xx; return the number of attempts.

    Raises:
        StorageError: it was not accepted; has the last reply, or why there was none.
        Cancelled: the run was asked to stop between two attempts.
    """
    with httpx.Client(timeout=receiver.timeout_s) as client:
        return call_with_retries(lambda: _post(client, receiver, message), receiver.retry, stop)[1]


def _post(client: httpx.Client, receiver: Receiver, message: Message) -> None:
    doing = f"webhook to {receiver.label}"
    headers = message.headers(receiver.secret, datetime.now(UTC))
    sending = _sending.set(True)
    try:
        reply = client.post(receiver.url, content=message.content, headers=headers)
    except httpx.TimeoutException as error:
        raise TransferTimeout(f"{doing}: no reply within {receiver.timeout_s:g} s") from error
    except httpx.TransportError as error:
        raise ConnectionFailed(f"{doing}: {error}") from error
    finally:
        _sending.reset(sending)
    if not reply.is_success:
        raise _reply_error(reply, doing)


def _reply_error(reply: httpx.Response, doing: str) -> StorageError:
    raw: Mapping[bytes, bytes] = {name.lower(): value for name, value in reply.headers.raw}
    return status_error(reply.status_code, raw, doing=doing, path="")


def _ingest_body(news: BatchNotification) -> list[str]:
    return [stored_url(outcome.destination, outcome.path) for outcome in news.stored]


def _full_body(news: BatchNotification, moment: datetime) -> dict[str, object]:
    return {
        "type": EVENT_TYPE,
        "timestamp": moment.isoformat(),
        "data": {
            "run_id": news.run_id,
            "plan_id": news.plan_id,
            "batch": news.batch,
            "source": news.source,
            "destinations": list(news.destinations),
            "files": [
                {
                    "path": outcome.path,
                    "origin": outcome.origin,
                    "destination": outcome.destination,
                    "url": stored_url(outcome.destination, outcome.path),
                    "action": str(outcome.action),
                    "size": outcome.size,
                    "digest": f"sha256:{outcome.digest}" if outcome.digest else None,
                }
                for outcome in news.stored
            ],
        },
    }


def _is_not_ours(_: logging.LogRecord) -> bool:
    """Keep httpx from logging webhook addresses, which may be secret."""
    return not _sending.get()


logging.getLogger("httpx").addFilter(_is_not_ours)
