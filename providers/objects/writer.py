"""A multipart upload through obstore."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import obstore

from catalog.model.digest import Digest
from providers.base import Chunk, Stored
from providers.error_boundary import error_boundary
from providers.objects.errors import translate_obstore_error

if TYPE_CHECKING:
    from obstore import Attributes as StoreAttributes
    from obstore.store import ObjectStore

UPLOADS = 2  # parts uploaded at once for one object

Confirm = Callable[[str, int, str | None, tuple[bytes, ...]], Stored]
"""Checks the stored object against path, size, etag and the sha256 of each part."""


class _UploadAborted(Exception):
    """Tell obstore to abort the upload."""


@error_boundary
class ObjectWriter:
    """A multipart upload fed through a bounded queue; obstore sends its parts in the background.

    obstore aborts the upload when its iterator raises (tested: no upload is left listed).
    """

    def __init__(
        self,
        place: tuple[ObjectStore, str, str],
        path: str,
        attributes: StoreAttributes,
        part: int,
        confirm: Confirm,
    ) -> None:
        """Start the thread that feeds obstore; `place` is the store, the key, and its name."""
        self._store, self._key, self._where = place
        self._path = path
        self._attributes = attributes
        self._part = part
        self._confirm = confirm
        self._pending = bytearray(part)
        self._filled = 0  # bytes of it
        self._queue: queue.Queue[Chunk | None] = queue.Queue(maxsize=1)
        self._size = 0
        self._part_digests: list[bytes] = []
        self._abort = threading.Event()
        self._failure: BaseException | None = None
        self._etag: str | None = None
        self._thread = threading.Thread(target=self._upload, name="entrepot-upload", daemon=True)
        self._thread.start()

    def _queued_parts(self) -> Iterator[Chunk]:
        while True:
            part = self._queue.get()
            if self._abort.is_set():
                raise _UploadAborted
            if part is None:
                return
            self._part_digests.append(hashlib.sha256(part).digest())
            yield part
            del part  # obstore owns it now

    def _upload(self) -> None:
        try:
            result = obstore.put(
                self._store,
                self._key,
                self._queued_parts(),
                attributes=self._attributes,
                use_multipart=True,
                chunk_size=self._part,
                max_concurrency=UPLOADS,
            )
            self._etag = result["e_tag"]
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._failure = error
            while self._queue.full():  # unblock a writer that waits to enqueue a part
                self._queue.get_nowait()

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes; block while enough parts are being uploaded."""
        self._size += len(chunk)
        view = memoryview(chunk)
        while view:
            some = view[: self._part - self._filled]
            self._pending[self._filled : self._filled + len(some)] = some
            self._filled += len(some)
            view = view[len(some) :]
            if self._filled == self._part:
                full, self._pending, self._filled = self._pending, bytearray(0), 0
                self._enqueue(full)
                del full  # before there is another: they are large
                self._pending = bytearray(self._part)

    def _enqueue(self, part: Chunk | None) -> None:
        while True:
            if self._failure is not None:
                raise translate_obstore_error(self._failure, self._path, self._where)
            try:
                self._queue.put(part, timeout=0.5)
            except queue.Full:
                continue
            return

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the parts' digests prove it
        """Complete the upload and confirm it with the store."""
        if self._filled:
            self._enqueue(self._pending[: self._filled])
            self._pending = bytearray()
        self._enqueue(None)
        self._thread.join()
        if self._failure is not None:
            raise translate_obstore_error(self._failure, self._path, self._where)
        # An empty object has one empty part.
        digests = tuple(self._part_digests) or (hashlib.sha256(b"").digest(),)
        return self._confirm(self._path, self._size, self._etag, digests)

    def abort(self) -> None:
        """Abort the upload and wait until the store has discarded it."""
        if not self._thread.is_alive():
            return
        self._abort.set()
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.1)
            except queue.Full:
                continue
            self._thread.join(timeout=0.1)
