"""Webhook: tell somebody over HTTP which files a batch has newly stored.

A message is signed as https://www.standardwebhooks.com says, and bears one id however often it is
sent, so that a receiver may know it again.
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
from transfer.workers.retry import RetryPolicy, persistent
from transfer.workers.stop import StopFlag

KIND = "entrepot.batch.stored"
PATIENCE = RetryPolicy(retries=3, first_s=1.0, longest_s=30.0)
TIMEOUT_S = 10.0

_sending: ContextVar[bool] = ContextVar("sending", default=False)


class Body(StrEnum):
    """What a message holds."""

    INGEST = "ingest"
    """A JSON array of the URLs of what was stored, as connylabs/ingest sends it."""
    FULL = "full"
    """A JSON object: the run, the batch, both ends, and path, size and digest of each file."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go, and how; neither its address nor its secret is ever shown."""

    url: str = field(repr=False)
    secret: bytes = field(default=b"", repr=False)
    body: Body = Body.INGEST
    retry: RetryPolicy = PATIENCE
    timeout_s: float = TIMEOUT_S

    @property
    def label(self) -> str:
        """Return scheme and host alone: what follows them may be a secret."""
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
        """Return what a receiver knows the message by when it comes again."""
        return f"msg_{self.run_id}_{self.batch}"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the same bytes under the same id, however often."""

    message_id: str
    content: bytes

    def headers(self, secret: bytes, moment: datetime) -> dict[str, str]:
        """Return the headers of a try at `moment`, with a signature where there is a secret."""
        told = {
            "content-type": "application/json",
            "webhook-id": self.message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
        }
        if secret:
            text = self.content.decode()
            told["webhook-signature"] = Webhook(secret).sign(self.message_id, moment, text)
        return told


def stored_url(address: str, path: str) -> str:
    """Return the URL of a file at a destination: of a bucket, without the store's host.

    >>> stored_url("s3+http://localhost:9000/bucket/prefix", "a b")
    's3://bucket/prefix/a%20b'
    """
    scheme, _, rest = address.partition("://")
    store, plus, _ = scheme.partition("+")
    root = rest.partition("/")[2] if plus else rest
    return f"{store}://{root.rstrip('/')}/{quote_path(path)}"


def notification_of(
    outcomes: Iterable[Outcome], *, run: tuple[str, str, int], ends: tuple[str, ...]
) -> BatchNotification | None:
    """Return what is to be told of a batch's outcomes; None where nothing was stored.

    `run` is (run id, plan id, number of the batch), `ends` the addresses, the source's first.
    """
    stored = tuple(one for one in outcomes if one.status is Status.STORED)
    return BatchNotification(*run, ends[0], ends[1:], stored) if stored else None


def message_of(news: BatchNotification, body: Body, moment: datetime) -> Message:
    """Write the message; `moment` is when the batch was recorded."""
    told = _listed(news) if body is Body.INGEST else _described(news, moment)
    return Message(news.message_id, json.dumps(told, separators=(",", ":")).encode())


def send(receiver: Receiver, message: Message, stop: StopFlag) -> int:
    """Send a message until it is taken with a 2xx; return the number of tries.

    Raises:
        StorageError: nobody took it; the last reply, or why there was none.
        Cancelled: the run was asked to stop between two tries.
    """
    with httpx.Client(timeout=receiver.timeout_s) as client:
        return persistent(lambda: _post(client, receiver, message), receiver.retry, stop)[1]


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
        raise _refused(reply, doing)


def _refused(reply: httpx.Response, doing: str) -> StorageError:
    raw: Mapping[bytes, bytes] = {name.lower(): value for name, value in reply.headers.raw}
    return status_error(reply.status_code, raw, doing=doing, path="")


def _listed(news: BatchNotification) -> list[str]:
    return [stored_url(one.destination, one.path) for one in news.stored]


def _described(news: BatchNotification, moment: datetime) -> dict[str, object]:
    return {
        "type": KIND,
        "timestamp": moment.isoformat(),
        "data": {
            "run_id": news.run_id,
            "plan_id": news.plan_id,
            "batch": news.batch,
            "source": news.source,
            "destinations": list(news.destinations),
            "files": [
                {
                    "path": one.path,
                    "origin": one.origin,
                    "destination": one.destination,
                    "url": stored_url(one.destination, one.path),
                    "action": str(one.action),
                    "size": one.size,
                    "digest": f"sha256:{one.digest}" if one.digest else None,
                }
                for one in news.stored
            ],
        },
    }


def _of_others(_: logging.LogRecord) -> bool:
    """Keep httpx from logging an address that may be a secret."""
    return not _sending.get()


logging.getLogger("httpx").addFilter(_of_others)
