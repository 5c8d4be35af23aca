"""Blocks of a file as an asynchronous stream, which ends only if its bytes are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from catalog.errors import DigestMismatch, IntegrityError, SizeMismatch
from catalog.model.digest import Digest, Hasher
from gateway.access.context import Gateway
from gateway.content.block_reader import LOCAL, BlockReader

Close = Callable[[], object]


class BlockStream:
    """Blocks that are read in threads; made with the first one in hand."""

    def __init__(self, gateway: Gateway, blocks: BlockReader, close: Close) -> None:
        """Own `blocks`; `close` is called once, when they are done with."""
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

        Where the first is all of `length` bytes there is nothing more to wait for.
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
        """Let go of the blocks, at once where that waits for nothing."""
        if not self._closed:
            await self._gateway.run_shielded(self._end)

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._blocks.close()
            self._close()


class VerifyingBlockReader:
    """Holds the last block back until all was compared; where no size tells which that is, each.

    So a client that has every byte has the right ones.
    """

    def __init__(
        self,
        blocks: BlockReader,
        name: str,
        size: int | None,
        expected: tuple[Digest, ...],
        on_corrupt: Callable[[IntegrityError], object] | None = None,
    ) -> None:
        """Compare `blocks` with size and digests; `on_corrupt` hears of what does not fit."""
        self.resource = blocks.resource
        self.headers: tuple[tuple[str, str], ...] = getattr(blocks, "headers", ())
        self._blocks, self._name, self._size = blocks, name, size
        self._expected, self._on_corrupt = expected, on_corrupt
        self._hasher = Hasher(one.algorithm for one in expected)
        self._held_back: bytes | None = None

    def next_block(self) -> bytes:
        """Return the next bytes.

        Raises:
            IntegrityError: they are not those that were expected.
        """
        block = self._read() if self._held_back is None else self._held_back
        if block and self._size is not None and self._hasher.size < self._size:
            return block  # more has to come
        self._held_back = self._read() if block else b""
        if not self._held_back:
            self._verify()
        return block

    def close(self) -> None:
        """End the read."""
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
        for one in self._expected:
            found = self._hasher.digest(one.algorithm)
            if found != one:
                self._refuse(DigestMismatch(self._name, str(one), str(found)))

    def _refuse(self, error: IntegrityError) -> None:
        if self._on_corrupt is not None:
            self._on_corrupt(error)
        raise error
