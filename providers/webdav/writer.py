"""Writes a file to a WebDAV server: a PUT to a temporary name, renamed by the storage."""

from __future__ import annotations

from typing import Protocol

from catalog.model.digest import Digest
from providers.base import Attributes, Chunk, Stored
from providers.error_boundary import error_boundary
from providers.http.response import Upload


class UploadTarget(Protocol):
    """The storage that a writer uploads to."""

    def upload(self, temporary: str, headers: dict[str, str], size: int | None) -> Upload:
        """Open the PUT of a temporary file."""
        ...

    def finalize(self, path: str, temporary: str, size: int) -> Stored:
        """Check a temporary file's size, and rename it to its final name."""
        ...

    def discard(self, temporary: str) -> None:
        """Remove a temporary file; if that fails, it stays hidden."""
        ...


@error_boundary
class WebdavWriter:
    """A PUT request that is sent with the first bytes."""

    def __init__(
        self,
        target: UploadTarget,
        path: str,
        temporary: str,
        headers: dict[str, str],
        size: int | None,
    ) -> None:
        """Write to `temporary`, to be renamed to `path`."""
        self._target, self._path, self._temporary = target, path, temporary
        self._headers, self._size = headers, size
        self._upload: Upload | None = None
        self._done = 0
        self._ended = False

    def write(self, chunk: Chunk) -> None:
        """Send the next bytes."""
        self._open_upload().send(chunk)
        self._done += len(chunk)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the server cannot check it
        """Complete the PUT and rename the file."""
        self._open_upload().finish().expect(200, 201, 204).close()
        stored = self._target.finalize(self._path, self._temporary, self._done)
        self._ended = True
        return stored

    def abort(self) -> None:
        """Close the connection and remove the temporary file."""
        upload, self._upload = self._upload, None
        if upload is None or self._ended:
            return
        self._ended = True
        upload.close()
        self._target.discard(self._temporary)

    def _open_upload(self) -> Upload:
        if self._upload is None:
            self._upload = self._target.upload(self._temporary, self._headers, self._size)
        return self._upload


def put_headers(attributes: Attributes) -> dict[str, str]:
    """Return the headers for a file's attributes."""
    headers = {"Content-Type": attributes.content_type or "application/octet-stream"}
    if attributes.modified_us is not None:  # Nextcloud and ownCloud keep it, others ignore it
        headers["X-OC-MTime"] = str(attributes.modified_us // 1_000_000)
    return headers
