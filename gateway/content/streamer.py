"""The streamer opens served files, stored or from their source, and stores fetched ones if allowed.

The first request for an on-demand file starts its fetch; concurrent requests follow it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial

from catalog.model.version import ContentRow, Origin
from catalog.queries.files import ResolvedFile
from gateway.access.context import Gateway
from gateway.access.tenants import ServedRepository, Tenant
from gateway.content.block_reader import BlockReader
from gateway.content.fetch import Candidate, ExpectedFile, Fetch, FetchContext, FetchRegistry
from gateway.content.fetch_buffer import FileBuffer, MemoryBuffer, sweep
from gateway.content.fetch_stream import FetchStream
from gateway.content.path_lookup import LookupCache
from gateway.content.save_fetched import FetchedFile, FetchedFileSaver
from gateway.content.source_cooldown import SourceCooldown
from gateway.content.sources import (
    expected_file,
    open_passthrough,
    open_stored,
    sources_of,
    upstream_candidates,
)
from gateway.content.verified_stream import BlockStream, Close
from gateway.http.file_response import Opener, Stream
from gateway.http.range_header import ByteRange
from gateway.http.response_headers import content_disposition
from providers.layouts.content_names import stored_path

LINK_S = 3600  # lifetime of a signed link
SHARED_IN_MEMORY = 8 * 2**20  # bytes; the largest file shared by requests without being stored


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """Where to store a fetched file; `row` and `origin` are None for an unlisted path."""

    tenant: Tenant
    served: ServedRepository
    path: str
    row: ContentRow | None = None
    origin: Origin | None = None


class Streamer:
    """Serves content for all tenants of a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        """Start, and remove the spool files of dead processes."""
        self._gateway = gateway
        self.lookups = LookupCache(gateway.catalog)
        self.cooldown = SourceCooldown(gateway.config.cool_down_s)
        self.fetches = FetchRegistry(FetchContext(self.cooldown, gateway.metrics, gateway.stop))
        self.saver = FetchedFileSaver(gateway.stop)
        self._folder = gateway.config.spool or gateway.catalog.folder / "fetched"
        sweep(self._folder)

    def close(self) -> None:
        """Store the fetched files, and stop."""
        self.saver.close()
        self._gateway.stop.set()
        self.fetches.close()

    def opener(self, tenant: Tenant, served: ServedRepository, found: ResolvedFile) -> Opener:
        """Return a function that opens a file listed by a version."""

        async def open_stream(part: ByteRange | None) -> Stream:
            origin = found.origin
            if origin is None:
                return await self._open_stored(tenant, served, found, part)
            key = (tenant.name, served.address, found.row.path, origin.digest, origin.etag)
            under_way = self.fetches.find(key)
            if under_way is not None and _can_serve(under_way, part):
                self._gateway.metrics.count_coalesced()
                return await self._follow(key, under_way, part)
            return await self._open_unfetched(key, tenant, served, found, part)

        return open_stream

    def signed_link(
        self, tenant: Tenant, served: ServedRepository, found: ResolvedFile
    ) -> str | None:
        """Return a signed link to a stored copy; None if there is none, or it cannot be signed."""
        for copy in sources_of(tenant, served, found).stored:
            sign = tenant.storages.signer(copy.address)
            if sign is not None:
                storage = tenant.storages.end(copy.address).storage
                path = stored_path(storage, copy.path, found.row.digest, copy.etag)
                return sign(path, LINK_S, content_disposition(found.row.path))
        return None

    async def fetch_upstream(
        self, tenant: Tenant, served: ServedRepository, path: str
    ) -> tuple[Fetch, Opener]:
        """Start fetching an unlisted path from the upstream; return the fetch and an opener.

        Raises:
            StorageError: the upstream does not have it, or cannot be reached.
        """
        key = (tenant.name, served.address, path)
        fetch = self.fetches.find(key)
        if fetch is None:
            candidates = upstream_candidates(tenant, served, path)
            target = FetchTarget(tenant, served, path)
            fetch = self._begin_fetch(key, target, ExpectedFile(path), candidates, kept=True)
        else:
            self._gateway.metrics.count_coalesced()
        await fetch.wait_started()

        async def open_stream(part: ByteRange | None) -> Stream:
            return await self._follow(key, fetch, part)

        return fetch, open_stream

    async def _open_stored(
        self, tenant: Tenant, served: ServedRepository, found: ResolvedFile, part: ByteRange | None
    ) -> Stream:
        def begin() -> tuple[BlockReader, Close]:
            return open_stored(self._gateway, tenant, served, found, part), _do_nothing

        length = found.row.size if part is None else part.length
        return await BlockStream.open(self._gateway, begin, length)

    async def _open_unfetched(
        self,
        key: Hashable,
        tenant: Tenant,
        served: ServedRepository,
        found: ResolvedFile,
        part: ByteRange | None,
    ) -> Stream:
        """Serve the first request for a file that may not be stored."""
        sources = await self._gateway.run_in_thread(sources_of, tenant, served, found)
        if sources.stored:
            return await self._open_stored(tenant, served, found, part)
        row, known = found.row, expected_file(found.row)
        small = row.size is not None and row.size <= SHARED_IN_MEMORY
        if part is not None or not (sources.kept or small):
            return await self._open_passthrough(sources.candidates, known, part)
        under_way = self.fetches.find(key)  # another request may have started it meanwhile
        if under_way is None:
            target = FetchTarget(tenant, served, row.path, row, found.origin)
            under_way = self._begin_fetch(key, target, known, sources.candidates, kept=sources.kept)
        else:
            self._gateway.metrics.count_coalesced()
        return await self._follow(key, under_way, None)

    async def _open_passthrough(
        self, candidates: tuple[Candidate, ...], known: ExpectedFile, part: ByteRange | None
    ) -> Stream:
        def begin() -> tuple[BlockReader, Close]:
            return open_passthrough(
                self._gateway, candidates, known, part, self.cooldown
            ), _do_nothing

        return await BlockStream.open(self._gateway, begin)

    async def _follow(self, key: Hashable, fetch: Fetch, part: ByteRange | None) -> Stream:
        stream = FetchStream(fetch, part, partial(self._reader_left, key))
        try:
            await fetch.wait_started()
        except BaseException:
            await stream.aclose()
            raise
        stream.headers = fetch.headers
        return stream

    def _begin_fetch(
        self,
        key: Hashable,
        target: FetchTarget,
        known: ExpectedFile,
        candidates: tuple[Candidate, ...],
        *,
        kept: bool,
    ) -> Fetch:
        """Start a fetch; a complete file is stored if `kept`."""
        buffer = FileBuffer(self._folder) if kept else MemoryBuffer()
        fetch = Fetch(known, candidates, buffer, self.fetches.shared, asyncio.get_running_loop())
        fetch.kept = kept

        def finished(fetch: Fetch) -> None:
            done = partial(self._release, key, fetch)
            if fetch.error is None and fetch.kept:
                self.saver.add(
                    FetchedFile(
                        target.tenant.catalog,
                        target.served.repository,
                        target.path,
                        target.row,
                        target.origin,
                        fetch,
                        done,
                    )
                )
            else:
                done()

        return self.fetches.begin(key, fetch, finished)

    def _release(self, key: Hashable, fetch: Fetch) -> None:
        """Forget a finished fetch, now or when its last reader has left."""
        fetch.kept = False
        fetch.call_soon(partial(self._reader_left, key, fetch))

    def _reader_left(self, key: Hashable, fetch: Fetch) -> None:
        """Forget or cancel a fetch if it has no readers left and is not to be stored."""
        if fetch.readers or fetch.kept:
            return
        if fetch.ended:
            self.fetches.forget(key, fetch)
        else:
            fetch.unwanted = True


def _can_serve(fetch: Fetch, part: ByteRange | None) -> bool:
    """Return whether a fetch can serve a part without waiting for a part far ahead."""
    return part is None or fetch.ended or fetch.released >= part.stop


def _do_nothing() -> None:
    """Do nothing."""
