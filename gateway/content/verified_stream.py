"""Asynchronous streams of blocks, and their verification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from catalog.errors import DigestMismatch, IntegrityError, SizeMismatch
from catalog.model.digest import Digest, Hasher
from gateway.access.context import Gateway
from gateway.content.block_reader import LOCAL, BlockReader

Close = Callable[[], object]


class BlockStream:
    """Streams blocks that are read in threads; created with the first block already read."""

    def __init__(self, gateway: Gateway, blocks: BlockReader, close: Close) -> None:
        """Own `blocks`; `close` is called once at the end."""
        self.headers: tuple[tuple[str, str], ...] = getattr(blocks, "headers", ())
        self._gateway, self._blocks, self._close = gateway, blocks, close
        self._first: bytes | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        gateway: Gateway,
        opened: Callable[[], tuple[BlockReader, Close]],
        length: int | None = None,
    ) -> BlockStream:
        """Open blocks and read the first one, both in one thread.

        If the first block has all of `length` bytes, the blocks are closed immediately.
        """

        def begin() -> BlockStream:
            blocks, close = opened()
            flow = cls(gateway, blocks, close)
            try:
                flow._first = blocks.next_block()
                if length is not None and len(flow._first) == length <= LOCAL:
                    flow._end()
            except BaseException:
                flow._end()
                raise
            return flow

        return await gateway.run_in_thread(begin)

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next block."""
        data, self._first = self._first, None
        if data is None and self._closed:
            raise StopAsyncIteration
        if data is None:
            data = await self._gateway.run_in_thread(self._blocks.next_block)
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Close the blocks."""
        if not self._closed:
            await self._gateway.run_shielded(self._end)

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._blocks.close()
            self._close()


class VerifyingBlockReader:
    """Verifies blocks, holding back the last one (or always one, if the size is unknown).

    So a client that received every byte has a verified file.
    """

    def __init__(
        self,
        blocks: BlockReader,
        name: str,
        size: int | None,
        expected: tuple[Digest, ...],
        on_corrupt: Callable[[IntegrityError], object] | None = None,
    ) -> None:
        """Verify `blocks` with size and digests; `on_corrupt` is called if they differ."""
        self.resource = blocks.resource
        self.headers: tuple[tuple[str, str], ...] = getattr(blocks, "headers", ())
        self._blocks, self._name, self._size = blocks, name, size
        self._expected, self._on_corrupt = expected, on_corrupt
        self._hasher = Hasher(digest.algorithm for digest in expected)
        self._held_back: bytes | None = None

    def next_block(self) -> bytes:
        """Return the next bytes.

        Raises:
            IntegrityError: the content differs from what was expected.
        """
        block = self._read() if self._held_back is None else self._held_back
        if block and self._size is not None and self._hasher.size < self._size:
            return block  # more has to come
        self._held_back = self._read() if block else b""
        if not self._held_back:
            self._verify()
        return block

    def close(self) -> None:
        """Stop reading."""
        self._blocks.close()

    def _read(self) -> bytes:
        data = self._blocks.next_block()
        self._hasher.update(data)
        if self._size is not None and self._hasher.size > self._size:
            self._refuse(SizeMismatch(self._name, self._size, self._hasher.size))
        return data

    def _verify(self) -> None:
        if self._size is not None and self._hasher.size != self._size:
            self._refuse(SizeMismatch(self._name, self._size, self._hasher.size))
        for digest in self._expected:
            found = self._hasher.digest(digest.algorithm)
            if found != digest:
                self._refuse(DigestMismatch(self._name, str(digest), str(found)))

    def _refuse(self, error: IntegrityError) -> None:
        if self._on_corrupt is not None:
            self._on_corrupt(error)
        raise error
