"""Bytes of an object store through obstore's native calls, made from worker threads.

Measured: a twentieth of s3fs's CPU for each small object. obstore's own retries are off, since
retries live in one place (`transfer.retry`). Its `FsspecStore` is not used: it holds whole
objects in memory. Names that obstore cannot express (control characters, empty segments) are
refused here; a provider may send them another way.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError

from catalog.digest import Digest
from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    InvalidInput,
    NameNotAllowed,
    NotSupported,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageBusy,
    StorageError,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)
from catalog.resource import Resource
from providers.base import Attributes, Chunk, Fetched, Stored, Timeouts

if TYPE_CHECKING:
    from obstore import Attributes as StoreAttributes
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

PART = 8 * 2**20  # bytes of one part of a multipart upload
PARTS = 9_000  # fewer than the 10,000 that S3 allows
UPLOADS = 4  # parts under way at once for one object

_STATUS = re.compile(r"status code: (\d{3})")
_ODD = re.compile(r"[\x00-\x1f\x7f]|//|(^|/)\.\.?(/|$)|^/|/$")


def expressible(path: str) -> bool:
    """Say whether obstore can name this object exactly."""
    return _ODD.search(path) is None


def client_config(timeouts: Timeouts, ca_pem: str | None, *, insecure: bool) -> ClientConfig:
    """Return obstore's client options; its time-out is for one whole request of at most a part."""
    config: ClientConfig = {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=timeouts.connect_s),
        "timeout": timedelta(seconds=timeouts.total_s or max(60.0, 2 * timeouts.read_s)),
        "allow_invalid_certificates": insecure,
    }
    if ca_pem:
        config["root_certificate"] = ca_pem.encode()
    return config


def no_retries() -> RetryConfig:
    """Return obstore's retry options: none, retries are the engine's."""
    return {"max_retries": 0, "retry_timeout": timedelta(seconds=180)}


class ObjectBytes:
    """Read and write the objects below `prefix` of one obstore store."""

    def __init__(self, store: ObjectStore, prefix: str, where: str) -> None:
        """Serve `store` below `prefix` ('' or without slashes at its ends); `where` names it."""
        self.store = store
        self.where = where
        self._prefix = prefix + "/" if prefix else ""

    def key(self, path: str) -> str:
        """Return the object's key."""
        return self._prefix + path

    def check_name(self, path: str) -> None:
        """Refuse names over 1,024 bytes and those that obstore cannot express."""
        if len(self.key(path).encode()) > 1024:
            raise NameNotAllowed(path, self.where, "its key is over 1024 bytes")
        if not expressible(path):
            raise NameNotAllowed(path, self.where, "control characters or empty segments")

    def stat(self, path: str) -> Resource:
        """Describe one object."""
        try:
            return described(path, obstore.head(self.store, self.key(path)))
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, path, self.where) from error

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read one object whole, pinned to `etag`."""
        try:
            result = obstore.get(
                self.store, self.key(path), options={"if_match": etag} if etag else None
            )
            meta, attributes = result.meta, result.attributes
            data = result.bytes().to_bytes()
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, path, self.where) from error
        if len(data) != meta["size"]:
            raise SizeMismatch(path, meta["size"], len(data))
        return Fetched(data, described(path, meta, attributes))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> ObjectReading:
        """Read a range of one object in requests of one part each, every one pinned."""
        try:
            result = obstore.get(
                self.store,
                self.key(path),
                options={"if_match": etag, "head": True}
                if etag
                else {"head": True},
            )
            resource = described(path, result.meta, result.attributes)
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, path, self.where) from error
        size = resource.size or 0
        end = size if length is None else min(size, start + length)
        return ObjectReading(self, path, resource, start, end)

    def part(self, path: str, etag: str | None, start: int, length: int) -> Chunk:
        """Read exactly `length` bytes from `start`."""
        options: dict[str, Any] = {"range": (start, start + length)}
        if etag:
            options["if_match"] = etag
        try:
            data = obstore.get(self.store, self.key(path), options=options).bytes()  # type: ignore[arg-type]
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, path, self.where) from error
        if len(data) != length:
            raise SizeMismatch(path, length, len(data))
        return memoryview(data)

    def put(self, path: str, data: bytes, attributes: Attributes) -> str | None:
        """Write one object in one request and return its etag."""
        try:
            result = obstore.put(
                self.store,
                self.key(path),
                data,
                attributes=_attributes(attributes),
                use_multipart=False,
            )
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, path, self.where) from error
        return result["e_tag"]

    def write(
        self,
        path: str,
        attributes: Attributes,
        *,
        size: int | None,
        confirm: Callable[[str, int, str | None, tuple[bytes, ...]], Stored],
    ) -> ObjectWriter:
        """Begin a multipart upload; `confirm` asks the store what it now holds."""
        part = PART if size is None else max(PART, -(-size // PARTS))
        return ObjectWriter(self, path, _attributes(attributes), part, confirm)

    def remove(self, path: str) -> None:
        """Delete one object; absent is fine."""
        try:
            obstore.delete(self.store, self.key(path))
        except FileNotFoundError:
            return
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, path, self.where) from error


class ObjectReading:
    """A range of one object, fetched part by part."""

    def __init__(
        self, objects: ObjectBytes, path: str, resource: Resource, start: int, end: int
    ) -> None:
        """Read from `start` up to `end`."""
        self.resource = resource
        self._objects = objects
        self._path = path
        self._next = start
        self._end = end

    def __iter__(self) -> Iterator[Chunk]:
        """Yield one part after another."""
        while self._next < self._end:
            length = min(PART, self._end - self._next)
            chunk = self._objects.part(self._path, self.resource.etag, self._next, length)
            self._next += length
            yield chunk

    def close(self) -> None:
        """Ask for no further part."""
        self._next = self._end


class _Aborted(Exception):  # noqa: N818 - never leaves this module
    """Tell obstore to abort the upload."""


class ObjectWriter:
    """A multipart upload fed through a bounded queue; obstore sends its parts in the background.

    obstore aborts the upload when its iterator raises (tested: no upload is left listed).
    """

    def __init__(
        self,
        objects: ObjectBytes,
        path: str,
        attributes: StoreAttributes,
        part: int,
        confirm: Callable[[str, int, str | None, tuple[bytes, ...]], Stored],
    ) -> None:
        """Start the thread that feeds obstore."""
        self._objects = objects
        self._path = path
        self._attributes = attributes
        self._part = part
        self._confirm = confirm
        self._pending = bytearray()
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=1)
        self._size = 0
        self._part_digests: list[bytes] = []
        self._abort = threading.Event()
        self._failure: BaseException | None = None
        self._etag: str | None = None
        self._thread = threading.Thread(target=self._upload, name="entrepot-upload", daemon=True)
        self._thread.start()

    def _parts(self) -> Iterator[bytes]:
        while True:
            part = self._queue.get()
            if self._abort.is_set():
                raise _Aborted
            if part is None:
                return
            self._part_digests.append(hashlib.sha256(part).digest())
            yield part

    def _upload(self) -> None:
        try:
            result = obstore.put(
                self._objects.store,
                self._objects.key(self._path),
                self._parts(),
                attributes=self._attributes,
                use_multipart=True,
                chunk_size=self._part,
                max_concurrency=UPLOADS,
            )
            self._etag = result["e_tag"]
        except (BaseError, OSError, ValueError, _Aborted) as error:
            self._failure = error
            while self._queue.full():  # free a writer that waits to hand over a part
                self._queue.get_nowait()

    def write(self, chunk: Chunk) -> None:
        """Take the next bytes; waits while enough parts are under way."""
        self._size += len(chunk)
        self._pending += chunk
        while len(self._pending) >= self._part:
            self._hand_over(bytes(memoryview(self._pending)[: self._part]))
            del self._pending[: self._part]

    def _hand_over(self, part: bytes | None) -> None:
        while True:
            if self._failure is not None:
                raise translated(self._failure, self._path, self._objects.where)
            try:
                self._queue.put(part, timeout=0.5)
            except queue.Full:
                continue
            return

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the parts' digests prove it
        """Complete the upload and ask the store to confirm it."""
        if self._pending:
            self._hand_over(bytes(self._pending))
            self._pending.clear()
        self._hand_over(None)
        self._thread.join()
        if self._failure is not None:
            raise translated(self._failure, self._path, self._objects.where)
        # An object without bytes has one part, an empty one.
        digests = tuple(self._part_digests) or (hashlib.sha256(b"").digest(),)
        return self._confirm(self._path, self._size, self._etag, digests)

    def abort(self) -> None:
        """Abort the upload and wait until the store has forgotten it."""
        if not self._thread.is_alive():
            return
        self._abort.set()
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.1)
            except queue.Full:
                continue
            self._thread.join(timeout=0.1)


def described(path: str, meta: ObjectMeta, attributes: StoreAttributes | None = None) -> Resource:
    """Return the resource that obstore describes; our own sha256 attribute is a declaration."""
    found: dict[str, str] = dict(attributes) if attributes else {}
    declared = found.get("sha256", "")
    try:
        digests = (Digest("sha256", declared),) if declared else ()
    except InvalidInput:
        digests = ()  # somebody else's attribute of that name
    return Resource(
        path,
        size=meta["size"],
        etag=meta["e_tag"],
        modified_us=int(meta["last_modified"].timestamp() * 1_000_000),
        digests=digests,
        content_type=found.get("Content-Type"),
    )


def _attributes(attributes: Attributes) -> StoreAttributes:
    found: dict[str, str] = dict(attributes.properties)
    if attributes.content_type:
        found["Content-Type"] = attributes.content_type
    if attributes.sha256:
        found["sha256"] = attributes.sha256
    if attributes.modified_us is not None:
        found["mtime"] = f"{attributes.modified_us / 1_000_000:.6f}"
    return found


def translated(error: BaseException, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return the error of ours that obstore's one means; only its first line is shown."""
    if isinstance(error, StorageError):
        return error
    text = str(error).partition("\n")[0]
    match = _STATUS.search(text)
    status = int(match[1]) if match else None
    said = f"{where}: {path!r}: " + (f"HTTP status {status}" if status else type(error).__name__)
    if isinstance(error, FileNotFoundError) or status == 404:
        return ResourceNotFound(f"{where} has no {path!r}", path=path, status=status)
    if status in (401, 403):
        return AccessDenied(
            f"{where} refuses access to {path!r}: HTTP status {status}", path=path, status=status
        )
    if status in (409, 412) or "precondition" in text.lower():
        return ResourceChanged(
            f"{where}: {path!r} changed since it was planned", path=path, status=status
        )
    if status in (429, 503):
        return StorageBusy(f"{said}: it asks to slow down", path=path, status=status)
    if status is not None and status >= 500:
        return StorageFailed(said, path=path, status=status)
    if status is not None:
        return UnexpectedReply(said, path=path, status=status)
    if isinstance(error, NotImplementedError) or "NotSupported" in type(error).__name__:
        return NotSupported(said, path=path)
    if isinstance(error, ValueError):
        return UnexpectedReply(f"{said}: {text}", path=path)
    lowered = text.lower()
    if isinstance(error, TimeoutError) or "timed out" in lowered or "timeout" in lowered:
        return TransferTimeout(f"{where}: {path!r}: timed out", path=path)
    return ConnectionFailed(f"{where}: {path!r}: the connection failed", path=path)
