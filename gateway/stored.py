"""The bytes of a resource's version, wherever they lie."""

from __future__ import annotations

from contextlib import ExitStack

from catalog.resource_version import ResourceVersion
from gateway.blocks import Blocks, opened
from gateway.context import Context
from gateway.flowing import Close, Flow, VerifiedBlocks
from gateway.ranges import Part
from gateway.sending import Opener, Stream
from transfer.job import End


def stored_opener(context: Context, one: ResourceVersion) -> Opener:
    """Return what opens a version: in the tenant's storage, or where it was registered to lie."""

    async def opener(part: Part | None) -> Stream:
        def begin() -> tuple[Blocks, Close]:
            if one.path is None:
                return _external(context, one, part)
            return _own(context, one, one.path, part)

        length = one.size if part is None else part.length
        return await Flow.begun(context.gateway, begin, length)

    return opener


def _own(
    context: Context, one: ResourceVersion, path: str, part: Part | None
) -> tuple[Blocks, Close]:
    store = context.tenant.store()
    with ExitStack() as held:
        held.enter_context(store.reading(path))
        end = End(store.repository.address, store.storage, store.gate)
        blocks = opened(end, path, context.gateway.stop, size=one.size, part=part)
        return blocks, held.pop_all().close


def _external(context: Context, one: ResourceVersion, part: Part | None) -> tuple[Blocks, Close]:
    with ExitStack() as held:
        end, path = held.enter_context(context.tenant.external().opened(one.url))
        blocks = opened(end, path, context.gateway.stop, size=one.size, part=part)
        expected = one.every_digest()
        if part is None and (expected or one.size is not None):
            blocks = VerifiedBlocks(blocks, one.name, one.size, expected)
        return blocks, held.pop_all().close
