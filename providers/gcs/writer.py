"""A resumable upload to Google Cloud Storage: parts in order, each confirmed by status 308."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import google_crc32c

from catalog.errors import StorageError, UnexpectedReply
from catalog.model.digest import Digest
from providers.base import Attributes, Chunk, Stored
from providers.error_boundary import error_boundary
from providers.gcs.bucket_api import BucketApi

PART = 8 * 2**20  # bytes, a multiple of 256 KiB as Google requires


@error_boundary
class GcsWriter:
    """An upload session; the object is not visible before its last part."""

    def __init__(self, api: BucketApi, path: str, attributes: Attributes) -> None:
        """Write to `path`; the session begins with the first part."""
        self._api, self._path, self._attributes = api, path, attributes
        self._session = ""
        self._pending = bytearray()
        self._sent = 0
        self._crc = 0

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes, and send each full part."""
        self._crc = google_crc32c.extend(self._crc, bytes(chunk))
        self._pending += chunk
        while len(self._pending) > PART:
            part = bytes(memoryview(self._pending)[:PART])
            del self._pending[:PART]
            end = self._sent + PART - 1
            self._send_part(part, f"bytes {self._sent}-{end}/*", last=False)
            self._sent += PART

    def commit(self, digest: Digest) -> Stored:
        """Send the last part and verify the stored object."""
        part, self._pending = bytes(self._pending), bytearray()
        total = self._sent + len(part)
        content_range = f"bytes {self._sent}-{total - 1}/{total}" if part else f"bytes */{total}"
        item = self._send_part(part, content_range, last=True, sha256=digest.value)
        self._session = ""
        return self._api.confirm(self._path, total, self._crc, item)

    def abort(self) -> None:
        """Cancel the session, which otherwise expires after a week."""
        session, self._session = self._session, ""
        if session:
            with suppress(StorageError):
                self._api.client.request(
                    "DELETE", session, path=self._path, headers={"Content-Length": "0"}
                ).close()

    def _send_part(
        self, part: bytes, content_range: str, *, last: bool, sha256: str | None = None
    ) -> dict[str, object]:
        api = self._api
        if not self._session:
            self._session = self._begin_session(sha256)
        headers = {"Content-Range": content_range, **api.token.headers()}
        reply = api.client.request(
            "PUT", self._session, path=self._path, headers=headers, body=part
        )
        if not last:
            reply.expect(308).close()
            return {}
        return api.decode_json(reply.expect(200, 201))

    def _begin_session(self, sha256: str | None) -> str:
        api = self._api
        attributes = replace(self._attributes, sha256=sha256 or self._attributes.sha256)
        headers = {"Content-Type": "application/json", **api.token.headers()}
        reply = api.client.request(
            "POST",
            api.upload_url(self._path, "resumable"),
            path=self._path,
            headers=headers,
            body=json.dumps(api.object_metadata(self._path, attributes)).encode(),
        )
        with reply.expect(200, 201):
            session = reply.header(b"location")
        if not session:
            raise UnexpectedReply(
                f"the server returned no upload session for {self._path!r}", path=self._path
            )
        return session
