"""A client of Google's JSON API for one bucket and prefix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

from catalog.errors import DigestMismatch, SizeMismatch, UnexpectedReply
from catalog.model.outcome import Proof
from providers.base import Attributes, Stored
from providers.error_boundary import error_boundary
from providers.gcs.credentials import GcsToken
from providers.gcs.metadata import describe_object, encode_crc32c
from providers.http.client import HttpClient
from providers.http.response import Response
from providers.objects.keys import check_key


@error_boundary
@dataclass(frozen=True, slots=True)
class BucketApi:
    """One bucket with one identity; shared by a storage and its writers."""

    client: HttpClient
    token: GcsToken
    endpoint: str
    bucket: str
    root: str  # '' or with a trailing slash
    where: str

    def key(self, path: str) -> str:
        """Return the object's key in the bucket."""
        return self.root + path

    def objects(self) -> str:
        """Return the URL of the object list."""
        return f"{self.endpoint}/storage/v1/b/{quote(self.bucket, safe='')}/o"

    def url(self, path: str) -> str:
        """Return the URL of an object's metadata."""
        return f"{self.objects()}/{quote(self.key(path), safe='')}"

    def upload_url(self, path: str, kind: str) -> str:
        """Return the URL to upload an object to."""
        query = urlencode({"uploadType": kind, "name": self.key(path)})
        return f"{self.endpoint}/upload/storage/v1/b/{quote(self.bucket, safe='')}/o?{query}"

    def rewrite_url(self, origin: str, path: str) -> str:
        """Return the URL that copies the object with the metadata URL `origin` to a path."""
        target = f"b/{quote(self.bucket, safe='')}/o/{quote(self.key(path), safe='')}"
        return f"{origin}/rewriteTo/{target}"

    def object_metadata(self, path: str, attributes: Attributes) -> dict[str, Any]:
        """Return an object's metadata for an upload."""
        kept = dict(attributes.properties)
        if attributes.sha256:
            kept["sha256"] = attributes.sha256
        if attributes.modified_us is not None:
            kept["mtime"] = f"{attributes.modified_us / 1_000_000:.6f}"
        about: dict[str, Any] = {"name": self.key(path), "metadata": kept}
        if attributes.content_type:
            about["contentType"] = attributes.content_type
        return about

    def call(
        self,
        method: str,
        url: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the JSON of its response."""
        sent = {**(headers or {}), **self.token.headers()}
        reply = self.client.request(method, url, path=path, headers=sent, body=body)
        return self.decode_json(reply.expect(200, 201))

    def decode_json(self, reply: Response) -> dict[str, Any]:
        """Return the JSON object of a response."""
        try:
            found: object = json.loads(reply.read())
        except ValueError as error:
            raise UnexpectedReply(f"{self.where} sent a reply that is not JSON") from error
        if not isinstance(found, dict):
            raise UnexpectedReply(f"{self.where} sent JSON that is not an object")
        return cast("dict[str, Any]", found)

    def confirm(self, path: str, size: int, crc: int, item: Mapping[str, Any]) -> Stored:
        """Verify size and checksum of a stored object; remove it if they differ."""
        found = describe_object(path, item)
        if found.size != size:
            self.remove(path)
            raise SizeMismatch(path, size, found.size or 0)
        kept = item.get("crc32c")
        if kept and kept != encode_crc32c(crc):
            self.remove(path)
            raise DigestMismatch(path, f"crc32c:{encode_crc32c(crc)}", f"crc32c:{kept}")
        proof = Proof.WRITE_PROVED if kept else Proof.STORED
        return Stored(size, etag=found.etag, modified_us=found.modified_us, proof=proof)

    def remove(self, path: str) -> None:
        """Delete one object; do nothing if it does not exist."""
        url = self.url(check_key(path))
        reply = self.client.request("DELETE", url, path=path, headers=self.token.headers())
        reply.expect(200, 204, 404).close()
