"""Request bodies for a gateway, and its error replies as exceptions."""

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
ATTEMPTS = 6  # with the wait doubled each time
FIRST_WAIT_S = 0.25


def hash_file(file: IO[bytes]) -> str:
    """Return the sha256 of a file in hex, and rewind it."""
    hasher = Hasher()
    while data := file.read(BLOCK):
        hasher.update(data)
    file.seek(0)
    return hasher.digest().value


def file_blocks(file: IO[bytes], size: int, on_bytes: OnBytes | None = None) -> Iterator[bytes]:
    """Yield the next `size` bytes of a file."""
    left = size
    while left:
        data = file.read(min(BLOCK, left))
        if not data:
            raise SizeMismatch(str(getattr(file, "name", "the file")), size, size - left)
        left -= len(data)
        yield data
        if on_bytes is not None:
            on_bytes(len(data))


def multipart_form(file: IO[bytes], details: UploadDetails, on_bytes: OnBytes) -> Iterator[bytes]:
    """Yield a form with a file of unknown size, followed by its sha256."""
    if details.properties:
        yield _part("properties") + json.dumps(dict(details.properties)).encode() + b"\r\n"
    kind = f"Content-Type: {details.content_type}\r\n" if details.content_type else ""
    yield _part("input", '; filename="input"', kind)
    hasher = Hasher()
    while data := file.read(BLOCK):
        hasher.update(data)
        yield data
        on_bytes(len(data))
    yield b"\r\n" + _part("sha256") + hasher.digest().value.encode()
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def _part(name: str, more: str = "", headers: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{headers}\r\n'
    return head.encode()


@contextmanager
def translate_http_errors() -> Generator[None]:
    """Raise this project's errors in place of httpx's."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise TransferTimeout("the gateway did not answer in time") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InvalidInput(f"the gateway's URL cannot be used: {error}") from error
    except httpx.HTTPError as error:
        raise ConnectionFailed(f"the gateway cannot be reached: {error}") from error


def raise_for_error(reply: httpx.Response, what: str) -> None:
    """Raise the error that a reply reports, if any; `what` names the requested resource."""
    if reply.is_success:
        return
    try:
        body = reply.json()["error"]
        kind, message = str(body["kind"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        kind, message = "", f"unexpected reply, status {reply.status_code}: is it a gateway?"
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
    """Call an idempotent function until it succeeds or has failed too often."""
    for attempt in range(ATTEMPTS):
        try:
            act()
        except StorageError as error:
            if not error.retryable or attempt == ATTEMPTS - 1:
                raise
            time.sleep(FIRST_WAIT_S * 2**attempt)
        else:
            return
