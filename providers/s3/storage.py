"""A bucket as a storage: s3fs lists and copies, obstore transfers the data.

s3fs lists (with the parser of `providers.s3.listing`) because obstore returns the marker `dir/` as
a file `dir` and fails at control characters; objects with such names are transferred by s3fs too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from catalog.errors import (
    DigestMismatch,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
)
from catalog.model.digest import Digest
from catalog.model.gap import Listed
from catalog.model.outcome import Proof
from catalog.model.resource import Resource
from providers.base import Attributes, Fetched, Reader, Source, Stored, Writer
from providers.capabilities import OBJECTS
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.interfaces.history import KeepResult
from providers.objects.keys import PaginationGuard, check_key, describe_key
from providers.objects.storage import ObjectBytes, is_expressible
from providers.s3.checksums import checksum, checksum_of_parts, declared_digests, md5, md5_of_etag
from providers.s3.errors import check_reply, translate_s3_error
from providers.s3.history import MAX_COPY, keep_object
from providers.s3.incomplete_uploads import S3Uploads
from providers.s3.listing import listed_object
from providers.s3.s3fs_transfer import S3fsTransfer, attribute_arguments

if TYPE_CHECKING:
    import s3fs

_MAX_KEY = 1024  # bytes


@error_boundary
class S3Storage:
    """One bucket below one prefix."""

    keeps_at_commit = False
    capabilities = replace(OBJECTS, digests=("sha256",), copy=True, conditional_put=True)

    def __init__(
        self,
        filesystem: s3fs.S3FileSystem,
        objects: ObjectBytes,
        bucket: str,
        store: tuple[object, ...],
        *,
        on_close: OnClose = keep_open,
    ) -> None:
        """Serve `bucket`; two storages with equal `store` can copy from each other."""
        self._filesystem = filesystem
        self._objects = objects
        self.capabilities = objects.capabilities(type(self).capabilities)
        self.bucket, self.store = bucket, store
        self._odd = S3fsTransfer(filesystem, self._call, self.key, objects.where, objects.part_size)
        self._on_close = on_close
        self._md5_etags: bool | None = None  # None until a reply shows it

    def key(self, path: str) -> str:
        """Return the object's key in the bucket."""
        return self._objects.key(path)

    def _call(self, operation: str, path: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own arguments
        try:
            reply = self._filesystem.call_s3(operation, Bucket=self.bucket, **arguments)
        except (ClientError, BotoCoreError, ResponseParserError, OSError, ValueError) as error:
            raise translate_s3_error(error, path, self._objects.where) from error
        return check_reply(operation, dict(reply or {}), path, self._objects.where)

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every object; keys that end in '/' are folder markers, not files."""
        root = self._objects.key("")
        arguments: dict[str, Any] = {"Prefix": root + prefix, "MaxKeys": 1000}
        if not recursive:
            if prefix:
                yield from self._stat_if_exists(prefix)
                arguments["Prefix"] += "/"
            arguments["Delimiter"] = "/"
        pages = PaginationGuard(self._objects.where)
        while True:
            page = self._call("list_objects_v2", prefix, **arguments)
            for entry in page.get("Contents", ()):
                path, size = entry["Key"][len(root) :], entry.get("Size")
                found = describe_key(
                    path, prefix if recursive else "", size, partial(listed_object, path, entry)
                )
                if found is not None:
                    yield found
            if not page.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = pages.follow(page.get("NextContinuationToken"))

    def _stat_if_exists(self, path: str) -> Iterator[Resource]:
        with suppress(ResourceNotFound):
            yield self.stat(path)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one object, with the sha256 that we or the store recorded."""
        if is_expressible(path):  # obstore takes a twentieth of botocore's CPU
            resource = self._objects.stat(path)
            if resource.digests:
                return resource
        head = self._head(path)
        return Resource(
            path,
            size=head["ContentLength"],
            etag=head["ETag"],
            modified_us=int(head["LastModified"].timestamp() * 1_000_000),
            digests=declared_digests(head),
            content_type=head.get("ContentType"),
        )

    def stat_without_checksum(self, path: str) -> Resource:
        """Return the metadata of one object, without the checksum that the store recorded."""
        return self._objects.stat(path) if is_expressible(path) else self.stat(path)

    def _head(self, path: str) -> dict[str, Any]:
        return self._call("head_object", path, Key=self._objects.key(path), ChecksumMode="ENABLED")

    def check_name(self, path: str) -> None:
        """Refuse keys longer than 1,024 bytes."""
        check_key(path)
        if len(self._objects.key(path).encode()) > _MAX_KEY:
            raise NameNotAllowed(path, self._objects.where, "its key is longer than 1,024 bytes")

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read an object whole; if its etag is an md5, verify the bytes with it.

        An etag that looks like an md5 may be something else (KMS encryption): this is assumed if
        two reads return the same bytes, which corruption would not.
        """
        if not is_expressible(path):
            return self._odd.fetch(self.stat(path), etag)
        fetched = self._objects.fetch(path, etag=etag)
        md5_expected = md5_of_etag(fetched.resource.etag)
        if md5_expected is None or self._md5_etags is False or fetched.resource.digests:
            return fetched
        found = md5(fetched.data)
        if found == md5_expected:
            return Fetched(fetched.data, fetched.resource, found)
        again = self._objects.fetch(path, etag=etag)
        if md5(again.data) == md5_expected:
            return Fetched(again.data, again.resource, md5_expected)
        if again.data == fetched.data:
            self._md5_etags = False
            return again
        raise DigestMismatch(path, f"md5:{md5_expected}", f"md5:{found}")

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read a range, part by part."""
        if is_expressible(path):
            return self._objects.read(path, etag=etag, start=start, length=length)
        return self._odd.read(self.stat(path), etag, start, length)

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write an object in one request, with a checksum that the store verifies."""
        self.check_name(path)
        if is_expressible(path):
            etag = self._objects.put(path, data, attributes)
        else:
            reply = self._call(
                "put_object",
                path,
                Key=self._objects.key(path),
                Body=data,
                ChecksumSHA256=checksum(data),
                **attribute_arguments(attributes),
            )
            etag = reply["ETag"]
        return Stored(len(data), etag=etag, proof=self._prove_put(path, data, etag, attributes.md5))

    def _prove_put(self, path: str, data: bytes, etag: str | None, known: str | None) -> Proof:
        """Compare the etag with the md5 of `data`, which may be `known` from its source."""
        md5_expected = md5_of_etag(etag)
        if md5_expected is None or self._md5_etags is False:
            return Proof.STORED
        if md5_expected == (known or md5(data)):
            self._md5_etags = True
            return Proof.WRITE_PROVED
        if known and md5(data) != known:  # corrupted in memory before it was sent
            self.remove(path)
            raise DigestMismatch(path, f"md5:{known}", f"md5:{md5_expected}")
        fetched = self._objects.fetch(path, etag=etag)
        if fetched.data == data:
            self._md5_etags = False  # this bucket's etags are not md5
            return Proof.WRITE_PROVED
        self.remove(path)
        raise DigestMismatch(path, str(Digest.of(data)), str(Digest.of(fetched.data)))

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Begin a multipart upload, which is verified by the digests of its parts."""
        self.check_name(path)
        if not is_expressible(path):
            return self._odd.write(path, attributes, size, self._confirm)
        return self._objects.write(path, attributes, size=size, confirm=self._confirm)

    def _confirm(
        self, path: str, size: int, etag: str | None, part_digests: tuple[bytes, ...]
    ) -> Stored:
        head = self._head(path)
        if head["ContentLength"] != size:
            self.remove(path)
            raise SizeMismatch(path, size, head["ContentLength"])
        proof = Proof.STORED
        kept = head.get("ChecksumSHA256")
        if kept and head.get("ChecksumType", "COMPOSITE") == "COMPOSITE":
            expected = checksum_of_parts(part_digests)
            if kept != expected:
                self.remove(path)
                raise DigestMismatch(path, f"sha256 of parts {expected}", kept)
            proof = Proof.WRITE_PROVED
        modified_us = int(head["LastModified"].timestamp() * 1_000_000)
        return Stored(size, etag=etag or head["ETag"], modified_us=modified_us, proof=proof)

    def copies_from(self, origin: object) -> bool:
        """Return whether `origin` is a bucket in the same store with the same identity."""
        return isinstance(origin, S3Storage) and origin.store == self.store

    def copy_from(
        self, origin: Source, origin_path: str, path: str, *, etag: str | None
    ) -> Stored | None:
        """Copy an object of up to 5 GiB inside the store, pinned to `etag`."""
        if not isinstance(origin, S3Storage) or origin.store != self.store:
            return None
        self.check_name(path)
        resource = origin.stat_without_checksum(origin_path)
        if etag is not None and resource.etag != etag:
            raise ResourceChanged(f"{origin_path!r} changed since it was planned", path=path)
        if (resource.size or 0) > MAX_COPY:
            return None
        reply = self._call(
            "copy_object",
            path,
            Key=self._objects.key(path),
            CopySource={"Bucket": origin.bucket, "Key": origin.key(origin_path)},
            CopySourceIfMatch=resource.etag,
        )
        copied = f'"{reply["CopyObjectResult"]["ETag"].strip(chr(34))}"'  # some forget the quotes
        proof = Proof.WRITE_PROVED if copied == resource.etag else Proof.STORED
        return Stored(resource.size or 0, etag=copied, proof=proof)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Copy an object into the history server-side."""
        return keep_object(self._call, self.bucket, self.key(""), current, key)

    def remove(self, path: str) -> None:
        """Delete one object; do nothing if it does not exist."""
        if is_expressible(path) and self._objects.remove(path):
            return
        # obstore cannot name it, or did not find it: is the object missing, or the bucket?
        self._call("delete_object", path, Key=self._objects.key(path))

    def uploads(self) -> S3Uploads:
        """Return the incomplete multipart uploads."""
        return S3Uploads(self._call, self.key(""))

    def close(self) -> None:
        """Release the connections."""
        self._on_close()
