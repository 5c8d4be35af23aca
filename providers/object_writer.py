"""A multipart upload through obstore, fed by whoever has the bytes."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from catalog.digest import Digest
from providers.base import Chunk, Stored
from providers.object_errors import translated

if TYPE_CHECKING:
    from obstore import Attributes as StoreAttributes
    from obstore.store import ObjectStore

UPLOADS = 2  # parts under way at once for one object

Confirm = Callable[[str, int, str | None, tuple[bytes, ...]], Stored]
"""Ask the store what it holds now: path, size, etag, sha256 of each part."""


class _Aborted(Exception):
    """Tell obstore to abort the upload."""


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
                self._store,
                self._key,
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
                raise translated(self._failure, self._path, self._where)
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
            raise translated(self._failure, self._path, self._where)
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
