"""A bucket of Google Cloud Storage, by its JSON API and our own HTTP client.

The etag of a resource is its generation: every write makes a new one, and reads are pinned to
it. crc32c proves each write: the server compares what we send along, we what it answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote, urlencode
from uuid import uuid4

import google_crc32c

from catalog.errors import (
    DigestMismatch,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    UnexpectedReply,
)
from catalog.outcome import Proof
from catalog.paths import RESERVED, below, check_path
from catalog.resource import Resource
from providers.base import Attributes, Capabilities, Fetched, Source, Stored
from providers.connection import OnClose, keep_open
from providers.gcs_reply import described, encoded
from providers.gcs_token import GcsToken
from providers.gcs_writer import GcsWriter
from providers.http_client import HttpClient
from providers.http_reading import EMPTY, HttpReading, describe
from providers.http_response import Response
from providers.keeping import HISTORY, Kept

_FIELDS = "name,size,generation,md5Hash,crc32c,updated,contentType,metadata"
_LONGEST_KEY = 1024  # bytes
_PAGE = 1000  # objects


class GcsStorage:
    """One bucket below one prefix."""

    keeps_late = False
    capabilities = Capabilities(
        tree=False,
        etags=True,
        pinned_reads=True,
        digests=("sha256", "md5"),
        copy=True,
        long_round_trip=True,
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
        """Serve `bucket` below `prefix` ('' or without slashes at its ends)."""
        self.client, self.token = client, token
        self.endpoint, self.bucket = endpoint, bucket
        self._root = prefix + "/" if prefix else ""
        self._where = where
        self._on_close = on_close
        self._tells = True  # downloads say which generation they are
        self._objects = f"{endpoint}/storage/v1/b/{quote(bucket, safe='')}/o"

    def key(self, path: str) -> str:
        """Return the object's key in the bucket."""
        return self._root + path

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every object, page by page; keys that end in '/' are markers, not files."""
        fields = f"items({_FIELDS}),nextPageToken"
        query = {"prefix": self._root + prefix, "maxResults": str(_PAGE), "fields": fields}
        if not recursive:
            if prefix:
                yield from self._one(prefix)
                query["prefix"] += "/"
            query["delimiter"] = "/"
        while True:
            page = self.ask("GET", f"{self._objects}?{urlencode(query)}", prefix)
            for item in page.get("items", ()):
                path = item["name"][len(self._root) :]
                if not path or path.endswith("/") or below(RESERVED, path):
                    continue
                if recursive and not below(prefix, path):
                    continue
                yield described(check_path(path), item)
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = page["nextPageToken"]

    def stat(self, path: str) -> Resource:
        """Describe one object."""
        return described(check_path(path), self.ask("GET", self.url(path), path))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read an object whole, pinned to its generation."""
        response, resource = self._get(path, etag, {})
        data = response.read()
        if resource.size is not None and len(data) != resource.size:
            raise SizeMismatch(path, resource.size, len(data))
        return Fetched(data, resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> HttpReading:
        """Read a range, pinned to the generation."""
        if length == 0:
            return HttpReading(EMPTY, self.stat(path), skip=0, length=0)
        headers: dict[str, str] = {}
        if start or length is not None:
            last = "" if length is None else str(start + length - 1)
            headers["Range"] = f"bytes={start}-{last}"
        response, resource = self._get(path, etag, headers)
        skip = 0 if response.status == 206 else start
        return HttpReading(response, resource, skip=skip, length=length)

    def check_name(self, path: str) -> None:
        """Refuse what Google refuses: line ends, and keys over 1,024 bytes."""
        check_path(path)
        if len(self.key(path).encode()) > _LONGEST_KEY:
            raise NameNotAllowed(path, self._where, "its key is over 1024 bytes")
        if "\r" in path or "\n" in path:
            raise NameNotAllowed(path, self._where, "it holds a line end")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write an object in one request; the server compares its crc32c."""
        self.check_name(path)
        crc = google_crc32c.value(data)
        about = self.about(path, attributes) | {"crc32c": encoded(crc)}
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
        url = self.upload_url(path, "multipart")
        return self.confirm(path, len(data), crc, self.ask("POST", url, path, headers, body))

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> GcsWriter:  # noqa: ARG002 - the session need not know
        """Begin a resumable upload."""
        self.check_name(path)
        return GcsWriter(self, path, attributes)

    def confirm(self, path: str, size: int, crc: int, item: Mapping[str, Any]) -> Stored:
        """Compare what the store says it keeps with what was sent."""
        found = described(path, item)
        if found.size != size:
            self.remove(path)
            raise SizeMismatch(path, size, found.size or 0)
        kept = item.get("crc32c")
        if kept and kept != encoded(crc):
            self.remove(path)
            raise DigestMismatch(path, f"crc32c:{encoded(crc)}", f"crc32c:{kept}")
        proof = Proof.WRITE_PROVED if kept else Proof.STORED
        return Stored(size, etag=found.etag, modified_us=found.modified_us, proof=proof)

    def copies_from(self, origin: object) -> bool:
        """Say whether `origin` is a bucket of the same store and identity."""
        return (
            isinstance(origin, GcsStorage)
            and origin.endpoint == self.endpoint
            and origin.token.same_as(self.token)
        )

    def copy_from(
        self, origin: Source, origin_path: str, path: str, *, etag: str | None
    ) -> Stored | None:
        """Copy inside the store, pinned to the generation."""
        if not isinstance(origin, GcsStorage) or not self.copies_from(origin):
            return None
        self.check_name(path)
        found = described(path, self._rewritten(origin.url(origin_path), path, etag))
        return Stored(found.size or 0, found.etag, found.modified_us, Proof.WRITE_PROVED)

    def keep(self, standing: Resource, key: str) -> Kept:
        """Copy an object into the history, pinned to its generation."""
        try:
            self._rewritten(self.url(standing.path), f"{HISTORY}/{key}", standing.etag)
        except ResourceNotFound:
            return Kept.GONE
        return Kept.KEPT

    def _rewritten(self, origin: str, path: str, etag: str | None) -> Mapping[str, Any]:
        goal = f"b/{quote(self.bucket, safe='')}/o/{quote(self.key(path), safe='')}"
        query = {"ifSourceGenerationMatch": etag} if etag else {}
        while True:
            url = f"{origin}/rewriteTo/{goal}" + (f"?{urlencode(query)}" if query else "")
            reply = self.ask("POST", url, path, {"Content-Type": "application/json"}, b"{}")
            if reply.get("done", True):
                resource: Mapping[str, Any] = reply["resource"]
                return resource
            query["rewriteToken"] = reply["rewriteToken"]

    def remove(self, path: str) -> None:
        """Delete one object; absent is fine."""
        url = self.url(check_path(path))
        reply = self.client.request("DELETE", url, path=path, headers=self.token.headers())
        reply.expect(200, 204, 404).close()

    def close(self) -> None:
        """Let go of the connections."""
        self._on_close()

    def url(self, path: str) -> str:
        """Return the address of an object's description."""
        return f"{self._objects}/{quote(self.key(path), safe='')}"

    def upload_url(self, path: str, kind: str) -> str:
        """Return where an object is sent to."""
        query = urlencode({"uploadType": kind, "name": self.key(path)})
        return f"{self.endpoint}/upload/storage/v1/b/{quote(self.bucket, safe='')}/o?{query}"

    def about(self, path: str, attributes: Attributes) -> dict[str, Any]:
        """Return the description that goes with the bytes."""
        kept = dict(attributes.properties)
        if attributes.sha256:
            kept["sha256"] = attributes.sha256
        if attributes.modified_us is not None:
            kept["mtime"] = f"{attributes.modified_us / 1_000_000:.6f}"
        about: dict[str, Any] = {"name": self.key(path), "metadata": kept}
        if attributes.content_type:
            about["contentType"] = attributes.content_type
        return about

    def ask(
        self,
        method: str,
        url: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> dict[str, Any]:
        """Send one request and return its JSON."""
        sent = {**(headers or {}), **self.token.headers()}
        reply = self.client.request(method, url, path=path, headers=sent, body=body)
        return self.decoded(reply.expect(200, 201))

    def decoded(self, reply: Response) -> dict[str, Any]:
        """Return a reply's JSON object."""
        try:
            found: object = json.loads(reply.read())
        except ValueError as error:
            raise UnexpectedReply(f"{self._where} answered what is not JSON") from error
        if not isinstance(found, dict):
            raise UnexpectedReply(f"{self._where} answered JSON that is no object")
        return cast("dict[str, Any]", found)

    def _one(self, path: str) -> Iterator[Resource]:
        try:
            yield self.stat(path)
        except ResourceNotFound:
            return

    def _get(
        self, path: str, etag: str | None, headers: dict[str, str]
    ) -> tuple[Response, Resource]:
        """Begin a pinned download; ask what it is where neither caller nor reply tells.

        It is asked before: to hold one connection while waiting for another is a deadlock.
        """
        known: Resource | None = None
        if etag is None or not self._tells:
            known = self.stat(path)
            if etag is not None and known.etag != etag:
                raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        pin = etag or (known.etag if known else None)
        url = self.url(check_path(path)).replace("/storage/v1/", "/download/storage/v1/", 1)
        query = urlencode({"alt": "media"} | ({"ifGenerationMatch": pin} if pin else {}))
        sent = {**headers, **self.token.headers()}
        reply = self.client.get(f"{url}?{query}", path=path, headers=sent)
        generation = reply.header(b"x-goog-generation")
        if generation is None and known is None:
            reply.close()
            self._tells = False
            return self._get(path, etag, headers)
        if generation is not None and pin is not None and generation != pin:
            reply.close()
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        return reply, known or replace(describe(path, reply), etag=generation)
