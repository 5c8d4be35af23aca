"""Transfers objects whose keys obstore cannot express (`a//b`, `/a`, `./a`) through s3fs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsspec.asyn import sync

from catalog.errors import ResourceChanged, SizeMismatch, StorageError
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from providers.base import Attributes, Chunk, Fetched, Stored
from providers.error_boundary import error_boundary
from providers.objects.storage import MAX_PARTS, MIN_PART
from providers.objects.writer import Confirm
from providers.s3.checksums import checksum
from providers.s3.errors import translate_s3_error
from providers.s3.history import Call

if TYPE_CHECKING:
    import s3fs


class S3fsTransfer:
    """Reads and writes objects of a bucket part by part."""

    def __init__(
        self,
        filesystem: s3fs.S3FileSystem,
        call: Call,
        key: Callable[[str], str],
        where: str,
        part: int,
    ) -> None:
        """Send requests with `call`; `key` returns the key of a path, `part` is in bytes."""
        self.call, self.key = call, key
        self.part_size = part
        self._filesystem, self._where = filesystem, where

    def fetch(self, resource: Resource, etag: str | None) -> Fetched:
        """Read an object whole, pinned to `etag`."""
        return Fetched(b"".join(self.read(resource, etag, 0, None)), resource)

    def read(
        self, resource: Resource, etag: str | None, start: int, length: int | None
    ) -> S3fsReader:
        """Read a range of an object, which `resource` describes, pinned to `etag`."""
        if etag and resource.etag != etag:
            path = resource.path
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        size = resource.size or 0
        return S3fsReader(self, resource, start, size if length is None else start + length)

    def read_part(self, resource: Resource, start: int, end: int) -> bytes:
        """Read the bytes from `start` up to `end`."""
        path = resource.path
        pinned = {"IfMatch": resource.etag} if resource.etag else {}
        reply = self.call(
            "get_object", path, Key=self.key(path), Range=f"bytes={start}-{end - 1}", **pinned
        )
        try:
            data = bytes(sync(self._filesystem.loop, reply["Body"].read) or b"")
        except Exception as error:
            raise translate_s3_error(error, path, self._where) from error
        if len(data) != end - start:
            raise SizeMismatch(path, end - start, len(data))
        return data

    def write(
        self, path: str, attributes: Attributes, size: int | None, confirm: Confirm
    ) -> S3fsWriter:
        """Begin a multipart upload; `confirm` checks the stored object."""
        part = max(MIN_PART, self.part_size, -(-(size or 0) // MAX_PARTS))
        return S3fsWriter(self.call, path, self.key(path), attributes, part, confirm)


@error_boundary
class S3fsReader:
    """A range of one object, fetched part by part."""

    def __init__(self, objects: S3fsTransfer, resource: Resource, start: int, end: int) -> None:
        """Read from `start` up to `end`."""
        self.resource = resource
        self._objects = objects
        self._next, self._end = start, min(end, resource.size or 0)

    def __iter__(self) -> Iterator[Chunk]:
        """Yield one part after another."""
        while self._next < self._end:
            start, self._next = self._next, min(self._next + self._objects.part_size, self._end)
            yield self._objects.read_part(self.resource, start, self._next)

    def close(self) -> None:
        """Ask for no further part."""
        self._next = self._end


@error_boundary
class S3fsWriter:
    """A multipart upload that sends one part after the other."""

    def __init__(
        self,
        call: Call,
        path: str,
        key: str,
        attributes: Attributes,
        part: int,
        confirm: Confirm,
    ) -> None:
        """Begin the upload."""
        self._call, self._path, self._key = call, path, key
        self._part, self._confirm = part, confirm
        self._pending = bytearray()
        self._size = 0
        self._digests: list[bytes] = []
        self._parts: list[dict[str, Any]] = []
        begun = call(
            "create_multipart_upload",
            path,
            Key=key,
            ChecksumAlgorithm="SHA256",
            **attribute_arguments(attributes),
        )
        self._upload: str = begun["UploadId"]

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes, and send each full part."""
        view = memoryview(chunk)
        self._size += len(view)
        while view:
            some = view[: self._part - len(self._pending)]
            self._pending += some
            view = view[len(some) :]
            if len(self._pending) == self._part:
                self._send_part()

    def _send_part(self) -> None:
        data, self._pending = bytes(self._pending), bytearray()
        checksum_sent = checksum(data)
        number = len(self._parts) + 1
        sent = self._call(
            "upload_part",
            self._path,
            Key=self._key,
            UploadId=self._upload,
            PartNumber=number,
            Body=data,
            ChecksumSHA256=checksum_sent,
        )
        self._digests.append(hashlib.sha256(data).digest())
        self._parts.append(
            {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum_sent}
        )

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the parts' digests prove it
        """Complete the upload and confirm it with the store."""
        if self._pending or not self._parts:
            self._send_part()
        done = self._call(
            "complete_multipart_upload",
            self._path,
            Key=self._key,
            UploadId=self._upload,
            MultipartUpload={"Parts": self._parts},
        )
        return self._confirm(self._path, self._size, done["ETag"], tuple(self._digests))

    def abort(self) -> None:
        """Abort the upload, if the store can be reached."""
        with suppress(StorageError):
            self._call("abort_multipart_upload", self._path, Key=self._key, UploadId=self._upload)


def attribute_arguments(attributes: Attributes) -> dict[str, Any]:
    """Return an object's attributes as botocore arguments."""
    found: dict[str, Any] = {"Metadata": dict(attributes.properties)}
    if attributes.content_type:
        found["ContentType"] = attributes.content_type
    return found
