"""A bucket of Google Cloud Storage, through its JSON API and our own HTTP client.

Etags are generations: every write creates a new one, and reads are pinned to one. crc32c verifies
each write: the server checks the one we send, and we check the one it returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import google_crc32c

from catalog.errors import (
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
)
from catalog.model.gap import Listed
from catalog.model.outcome import Proof
from catalog.model.resource import Resource
from providers.base import Attributes, Fetched, Source, Stored
from providers.capabilities import OBJECTS
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.gcs.bucket_api import BucketApi
from providers.gcs.credentials import GcsToken
from providers.gcs.metadata import describe_object, encode_crc32c
from providers.gcs.writer import PART, GcsWriter
from providers.http.client import HttpClient
from providers.http.reader import EMPTY, HttpReader, describe
from providers.http.response import Response
from providers.interfaces.history import HISTORY, KeepResult
from providers.objects.keys import PaginationGuard, check_key, describe_key

_FIELDS = "name,size,generation,md5Hash,crc32c,updated,contentType,metadata"
_MAX_KEY, _PAGE = 1024, 1000  # bytes, objects


@error_boundary
class GcsStorage:
    """One bucket below one prefix."""

    keeps_at_commit = False
    capabilities = replace(
        OBJECTS,
        digests=("sha256", "md5"),
        copy=True,
        long_round_trip=True,
        write_buffer=2 * PART + 2**20,
    )

    def __init__(
        self,
        client: HttpClient,
        token: GcsToken,
        endpoint: str,
        bucket: str,
        prefix: str,
        where: str,
        *,
        on_close: OnClose = keep_open,
    ) -> None:
        """Serve `bucket` below `prefix` ('' or without slashes at either end)."""
        root = prefix + "/" if prefix else ""
        self.api = BucketApi(client, token, endpoint, bucket, root, where)
        self._root, self._where = root, where
        self._on_close = on_close
        self._reports_generation = True  # downloads have a generation header

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every object; keys that end in '/' are folder markers, not files."""
        fields = f"items({_FIELDS}),nextPageToken"
        query = {"prefix": self._root + prefix, "maxResults": str(_PAGE), "fields": fields}
        if not recursive:
            if prefix:
                yield from self._stat_if_exists(prefix)
                query["prefix"] += "/"
            query["delimiter"] = "/"
        pages = PaginationGuard(self._where)
        while True:
            page = self.api.call("GET", f"{self.api.objects()}?{urlencode(query)}", prefix)
            for item in page.get("items", ()):
                path, size = item["name"][len(self._root) :], int(item.get("size", 0))
                found = describe_key(
                    path, prefix if recursive else "", size, partial(describe_object, path, item)
                )
                if found is not None:
                    yield found
            if "nextPageToken" not in page:
                return
            query["pageToken"] = pages.follow(page["nextPageToken"])

    def stat(self, path: str) -> Resource:
        """Return the metadata of one object."""
        return describe_object(check_key(path), self.api.call("GET", self.api.url(path), path))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read an object whole, pinned to its generation."""
        response, resource = self._get(path, etag, {})
        data = response.read()
        if resource.size is not None and len(data) != resource.size:
            raise SizeMismatch(path, resource.size, len(data))
        return Fetched(data, resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> HttpReader:
        """Read a range, pinned to the generation."""
        if length == 0:
            return HttpReader(EMPTY, self.stat(path), skip=0, length=0)
        headers: dict[str, str] = {}
        if start or length is not None:
            last = "" if length is None else str(start + length - 1)
            headers["Range"] = f"bytes={start}-{last}"
        response, resource = self._get(path, etag, headers)
        skip = 0 if response.status == 206 else start
        return HttpReader(response, resource, skip=skip, length=length)

    def check_name(self, path: str) -> None:
        """Refuse what Google refuses: line breaks, and keys longer than 1,024 bytes."""
        check_key(path)
        if len(self.api.key(path).encode()) > _MAX_KEY:
            raise NameNotAllowed(path, self._where, "its key is longer than 1,024 bytes")
        if "\r" in path or "\n" in path:
            raise NameNotAllowed(path, self._where, "it contains a line break")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write an object in one request; the server verifies its crc32c."""
        self.check_name(path)
        crc = google_crc32c.value(data)
        about = self.api.object_metadata(path, attributes) | {"crc32c": encode_crc32c(crc)}
        mark = uuid4().hex.encode()
        kind = (attributes.content_type or "application/octet-stream").encode()
        body = b"".join(
            (
                b"--" + mark + b"\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n",
                json.dumps(about).encode(),
                b"\r\n--" + mark + b"\r\nContent-Type: " + kind + b"\r\n\r\n",
                data,
                b"\r\n--" + mark + b"--\r\n",
            )
        )
        headers = {"Content-Type": f"multipart/related; boundary={mark.decode()}"}
        url = self.api.upload_url(path, "multipart")
        reply = self.api.call("POST", url, path, headers, body)
        return self.api.confirm(path, len(data), crc, reply)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> GcsWriter:  # noqa: ARG002 - the session need not know
        """Begin a resumable upload."""
        self.check_name(path)
        return GcsWriter(self.api, path, attributes)

    def copies_from(self, origin: object) -> bool:
        """Return whether `origin` is a bucket in the same store with the same identity."""
        return (
            isinstance(origin, GcsStorage)
            and origin.api.endpoint == self.api.endpoint
            and origin.api.token.is_same_identity(self.api.token)
        )

    def copy_from(
        self, origin: Source, origin_path: str, path: str, *, etag: str | None
    ) -> Stored | None:
        """Copy inside the store, pinned to the generation."""
        if not isinstance(origin, GcsStorage) or not self.copies_from(origin):
            return None
        self.check_name(path)
        found = describe_object(path, self._rewrite(origin.api.url(origin_path), path, etag))
        return Stored(found.size or 0, found.etag, found.modified_us, Proof.WRITE_PROVED)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Copy an object into the history server-side, pinned to its generation."""
        try:
            self._rewrite(self.api.url(current.path), f"{HISTORY}/{key}", current.etag)
        except ResourceNotFound:
            return KeepResult.GONE
        return KeepResult.KEPT

    def _rewrite(self, origin: str, path: str, etag: str | None) -> Mapping[str, Any]:
        target = self.api.rewrite_url(origin, path)
        query = {"ifSourceGenerationMatch": etag} if etag else {}
        while True:
            url = target + (f"?{urlencode(query)}" if query else "")
            reply = self.api.call("POST", url, path, {"Content-Type": "application/json"}, b"{}")
            if reply.get("done", True):
                resource: Mapping[str, Any] = reply["resource"]
                return resource
            query["rewriteToken"] = reply["rewriteToken"]

    def remove(self, path: str) -> None:
        """Delete one object; do nothing if it does not exist."""
        self.api.remove(path)

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    def _stat_if_exists(self, path: str) -> Iterator[Resource]:
        with suppress(ResourceNotFound):
            yield self.stat(path)

    def _get(
        self, path: str, etag: str | None, headers: dict[str, str]
    ) -> tuple[Response, Resource]:
        """Begin a pinned download; get the generation first if the response will not have it.

        First, because waiting for a second connection while using one could deadlock.
        """
        known: Resource | None = None
        if etag is None or not self._reports_generation:
            known = self.stat(path)
            if etag is not None and known.etag != etag:
                raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        pin = etag or (known.etag if known else None)
        url = self.api.url(check_key(path)).replace("/storage/v1/", "/download/storage/v1/", 1)
        query = urlencode({"alt": "media"} | ({"ifGenerationMatch": pin} if pin else {}))
        sent = {**headers, **self.api.token.headers()}
        reply = self.api.client.get(f"{url}?{query}", path=path, headers=sent)
        generation = reply.header(b"x-goog-generation")
        if generation is None and known is None:
            reply.close()
            self._reports_generation = False
            return self._get(path, etag, headers)
        if generation is not None and pin is not None and generation != pin:
            reply.close()
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        return reply, known or replace(describe(path, reply), etag=generation)
