"""Reads and writes objects with obstore, called from worker threads.

It needs a twentieth of the CPU of s3fs for each small object. obstore's retries are off, because
`transfer.workers.retry` does all retries. Its `FsspecStore` is not used: it holds whole objects in
memory. Names that obstore cannot express (control characters, empty segments) are refused here; a
provider may transfer them in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError

from catalog.errors import (
    AccessDenied,
    InvalidInput,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageFailed,
)
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from providers.base import PART, Attributes, Chunk, Fetched, Timeouts
from providers.capabilities import Capabilities
from providers.error_boundary import error_boundary
from providers.objects.errors import translate_obstore_error
from providers.objects.writer import Confirm, ObjectWriter

if TYPE_CHECKING:
    from obstore import Attributes as StoreAttributes
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

MIN_PART = 5 * 2**20  # bytes; S3's minimum for every part but the last
MAX_PARTS = 9_000  # fewer than the 10,000 that S3 allows

_INEXPRESSIBLE = re.compile(r"[\x00-\x1f\x7f]|//|(^|/)\.\.?(/|$)|^/|/$|^$")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def is_expressible(path: str) -> bool:
    """Return whether obstore can name this object exactly."""
    return _INEXPRESSIBLE.search(path) is None


def client_config(timeouts: Timeouts, ca_pem: str | None, *, insecure: bool) -> ClientConfig:
    """Return obstore's client options; its time-out is for a whole request, of at most a part."""
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
    """Return obstore options without retries, which the engine does."""
    return {"max_retries": 0, "retry_timeout": timedelta(seconds=180)}


class ObjectBytes:
    """Read and write the objects below `prefix` of one obstore store."""

    def __init__(self, store: ObjectStore, prefix: str, where: str, part: int = PART) -> None:
        """Serve `store` below `prefix` ('' or without slashes at its ends); `where` names it.

        Large objects are read and written in parts of `part` bytes.
        """
        self.store = store
        self.where = where
        self.part_size = part
        self._prefix = prefix + "/" if prefix else ""

    def key(self, path: str) -> str:
        """Return the object's key."""
        return self._prefix + path

    def check_name(self, path: str) -> None:
        """Refuse names over 1,024 bytes and those that obstore cannot express."""
        if len(self.key(path).encode()) > 1024:
            raise NameNotAllowed(path, self.where, "its key is longer than 1,024 bytes")
        if not is_expressible(path):
            raise NameNotAllowed(
                path, self.where, "it contains control characters or empty segments"
            )

    def stat(self, path: str, *, etag: str | None = None) -> Resource:
        """Return the metadata of one object, pinned to `etag`."""
        try:
            result = obstore.get(
                self.store,
                self.key(path),
                options={"if_match": etag, "head": True} if etag else {"head": True},
            )
            return describe_object(path, result.meta, result.attributes)
        except (BaseError, OSError, ValueError) as error:
            raise translate_obstore_error(error, path, self.where) from error

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read one object whole, pinned to `etag`."""
        try:
            result = obstore.get(
                self.store, self.key(path), options={"if_match": etag} if etag else None
            )
            meta, attributes = result.meta, result.attributes
            data = result.bytes().to_bytes()
        except (BaseError, OSError, ValueError) as error:
            raise translate_obstore_error(error, path, self.where) from error
        if len(data) != meta["size"]:
            raise SizeMismatch(path, meta["size"], len(data))
        if etag and meta["e_tag"] != etag:  # the server ignored the condition
            raise ResourceChanged(f"{self.where}: {path!r} changed since it was planned", path=path)
        return Fetched(data, describe_object(path, meta, attributes))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> ObjectReader:
        """Read a range of one object in requests of one part each, every one pinned."""
        resource = self.stat(path, etag=etag)
        size = resource.size or 0
        end = size if length is None else min(size, start + length)
        return ObjectReader(self, path, resource, start, end)

    def capabilities(self, can: Capabilities) -> Capabilities:
        """Add the memory that large objects take: two parts to read one, four to write one."""
        part = max(MIN_PART, self.part_size)
        return replace(
            can, read_buffer=2 * self.part_size, write_buffer=4 * part, parts=MAX_PARTS, part=part
        )

    def read_part(self, path: str, etag: str | None, start: int, length: int) -> Chunk:
        """Read exactly `length` bytes from `start`."""
        options: dict[str, Any] = {"range": (start, start + length)}
        if etag:
            options["if_match"] = etag
        try:
            data = obstore.get(self.store, self.key(path), options=options).bytes()  # type: ignore[arg-type]
        except (BaseError, OSError, ValueError) as error:
            raise translate_obstore_error(error, path, self.where) from error
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
                attributes=_store_attributes(attributes),
                use_multipart=False,
            )
        except (BaseError, OSError, ValueError) as error:
            raise translate_obstore_error(error, path, self.where) from error
        return result["e_tag"]

    def write(
        self,
        path: str,
        attributes: Attributes,
        *,
        size: int | None,
        confirm: Confirm,
    ) -> ObjectWriter:
        """Begin a multipart upload; `confirm` checks the stored object."""
        part = max(MIN_PART, self.part_size, -(-(size or 0) // MAX_PARTS))
        place = (self.store, self.key(path), self.where)
        return ObjectWriter(place, path, _store_attributes(attributes), part, confirm)

    def remove(self, path: str) -> bool:
        """Delete one object; return False if the store says that it does not exist.

        obstore follows redirects and takes any page there for a successful deletion, so check
        afterwards that the object is gone.
        """
        try:
            obstore.delete(self.store, self.key(path))
        except FileNotFoundError:
            return False
        except (BaseError, OSError, ValueError) as error:
            raise translate_obstore_error(error, path, self.where) from error
        with suppress(ResourceNotFound, AccessDenied):  # one may delete without reading
            self.stat(path)
            raise StorageFailed(
                f"{self.where}: {path!r} still exists after its deletion", path=path
            )
        return True


@error_boundary
class ObjectReader:
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
            length = min(self._objects.part_size, self._end - self._next)
            chunk = self._objects.read_part(self._path, self.resource.etag, self._next, length)
            self._next += length
            yield chunk

    def close(self) -> None:
        """Ask for no further part."""
        self._next = self._end


def describe_object(
    path: str, meta: ObjectMeta, attributes: StoreAttributes | None = None
) -> Resource:
    """Return the resource that obstore describes; our sha256 attribute is a declared digest."""
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


def _store_attributes(attributes: Attributes) -> StoreAttributes:
    """Return the metadata to send as headers, without values that no header can hold.

    obstore panics on such a value, and optional metadata must not fail a write.
    """
    found: dict[str, str] = dict(attributes.properties)
    if attributes.content_type:
        found["Content-Type"] = attributes.content_type
    if attributes.sha256:
        found["sha256"] = attributes.sha256
    if attributes.modified_us is not None:
        found["mtime"] = f"{attributes.modified_us / 1_000_000:.6f}"
    return {
        name: value
        for name, value in found.items()
        if _TOKEN.fullmatch(name) and _VALUE.fullmatch(value)
    }
