"""Bodies that are sent to a gateway, and its replies as our own errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import IO

import httpx

from catalog.errors import (
    CatalogError,
    ConnectionFailed,
    InvalidInput,
    NotRecorded,
    ResourceChanged,
    SizeMismatch,
    StorageBusy,
    StorageError,
    StorageFailed,
    TransferTimeout,
)
from catalog.model.digest import Hasher
from cli.resources.client import OnBytes, UploadDetails

BLOCK = 2**18  # bytes
BOUNDARY = "entrepot-4f1a9c0d7be34b63"
TRIES = 6  # waiting twice as long each time
WAIT_S = 0.25


def hashed(file: IO[bytes]) -> str:
    """Return the sha256 of a file in hex, and go back to its beginning."""
    hasher = Hasher()
    while data := file.read(BLOCK):
        hasher.update(data)
    file.seek(0)
    return hasher.digest().value


def blocks(file: IO[bytes], size: int, moved: OnBytes | None = None) -> Iterator[bytes]:
    """Yield so many bytes of a file from where it stands."""
    left = size
    while left:
        data = file.read(min(BLOCK, left))
        if not data:
            raise SizeMismatch(str(getattr(file, "name", "the file")), size, size - left)
        left -= len(data)
        yield data
        if moved is not None:
            moved(len(data))


def form(file: IO[bytes], given: UploadDetails, moved: OnBytes) -> Iterator[bytes]:
    """Yield a form that holds a file of unknown size, and its sha256 behind it."""
    if given.properties:
        yield _part("properties") + json.dumps(dict(given.properties)).encode() + b"\r\n"
    kind = f"Content-Type: {given.content_type}\r\n" if given.content_type else ""
    yield _part("input", '; filename="input"', kind)
    hasher = Hasher()
    while data := file.read(BLOCK):
        hasher.update(data)
        yield data
        moved(len(data))
    yield b"\r\n" + _part("sha256") + hasher.digest().value.encode()
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def _part(name: str, more: str = "", headers: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{headers}\r\n'
    return head.encode()


@contextmanager
def translate_http_errors() -> Generator[None]:
    """Raise errors of ours in place of httpx's."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise TransferTimeout("the gateway did not answer in time") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InvalidInput(f"the gateway's URL cannot be used: {error}") from error
    except httpx.HTTPError as error:
        raise ConnectionFailed(f"the gateway cannot be reached: {error}") from error


def check(reply: httpx.Response, what: str) -> None:
    """Raise what a gateway's reply tells of an error; `what` was asked for."""
    if reply.is_success:
        return
    try:
        told = reply.json()["error"]
        kind, message = str(told["kind"]), str(told["message"])
    except (ValueError, KeyError, TypeError):
        kind, message = "", f"it answered {reply.status_code}, as no gateway of ours does"
    raise _error(reply.status_code, kind, message, what)


def _error(status: int, kind: str, message: str, what: str) -> CatalogError:
    if kind == "NotRecorded":
        return NotRecorded("resource", what)
    if status in (429, 503):
        return StorageBusy(f"the gateway is busy: {message}", status=status)
    if status >= 500:
        return StorageFailed(f"the gateway failed: {message}", status=status)
    if kind == "ResourceChanged":
        return ResourceChanged(message, status=status)
    return InvalidInput(message)


def with_retries(act: Callable[[], None]) -> None:
    """Do what may be done twice until it succeeds, or failed too often."""
    for tried in range(TRIES):
        try:
            act()
        except StorageError as error:
            if not error.retryable or tried == TRIES - 1:
                raise
            time.sleep(WAIT_S * 2**tried)
        else:
            return
