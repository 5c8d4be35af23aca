"""Opens the bytes of a resource's version, stored or external."""

from __future__ import annotations

from contextlib import ExitStack

from catalog.model.resource_version import ResourceVersion
from gateway.access.context import Context
from gateway.content.block_reader import BlockReader, open_block_reader
from gateway.content.verified_stream import BlockStream, Close, VerifyingBlockReader
from gateway.http.file_response import Opener, Stream
from gateway.http.range_header import ByteRange
from transfer.batch.endpoints import Endpoint


def stored_opener(context: Context, resource: ResourceVersion) -> Opener:
    """Return a function that opens a version in the tenant's storage, or at its external URL."""

    async def opener(part: ByteRange | None) -> Stream:
        def begin() -> tuple[BlockReader, Close]:
            if resource.path is None:
                return _open_external(context, resource, part)
            return _open_stored(context, resource, resource.path, part)

        length = resource.size if part is None else part.length
        return await BlockStream.open(context.gateway, begin, length)

    return opener


def _open_stored(
    context: Context, resource: ResourceVersion, path: str, part: ByteRange | None
) -> tuple[BlockReader, Close]:
    store = context.tenant.store()
    with ExitStack() as held:
        held.enter_context(store.reading(path))
        end = Endpoint(store.repository.address, store.storage, store.limiter)
        blocks = open_block_reader(end, path, context.gateway.stop, size=resource.size, part=part)
        return blocks, held.pop_all().close


def _open_external(
    context: Context, resource: ResourceVersion, part: ByteRange | None
) -> tuple[BlockReader, Close]:
    with ExitStack() as held:
        end, path = held.enter_context(context.tenant.external_urls().open(resource.url))
        blocks = open_block_reader(end, path, context.gateway.stop, size=resource.size, part=part)
        expected = resource.all_digests()
        if part is None and (expected or resource.size is not None):
            blocks = VerifyingBlockReader(blocks, resource.name, resource.size, expected)
        return blocks, held.pop_all().close
