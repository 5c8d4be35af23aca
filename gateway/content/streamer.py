"""The streamer: opens what is served, from where it lies or from its source, and keeps what it may.

Whoever asks first for a file that is on demand begins its fetch; whoever asks meanwhile follows.
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
from gateway.content.spool import FileSpool, MemorySpool, sweep
from gateway.content.verified_stream import BlockStream, Close
from gateway.http.file_response import Opener, Stream
from gateway.http.ranges import Part
from gateway.http.response_headers import content_disposition
from providers.layouts.content_names import stored_path

LINK_S = 3600  # for which a signed link holds
SHARED_IN_MEMORY = 8 * 2**20  # bytes of a file that is never kept and that many may ask for


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """Where a fetched file belongs; `row` and `origin` are None of a path that nobody lists."""

    tenant: Tenant
    served: ServedRepository
    path: str
    row: ContentRow | None = None
    origin: Origin | None = None


class Streamer:
    """What serves content, for all tenants of a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with nothing under way; what dead processes left is swept."""
        self._gateway = gateway
        self.lookups = LookupCache(gateway.catalog)
        self.cooldown = SourceCooldown(gateway.config.cool_down_s)
        self.fetches = FetchRegistry(FetchContext(self.cooldown, gateway.metrics, gateway.stop))
        self.saver = FetchedFileSaver(gateway.stop)
        self._folder = gateway.config.spool or gateway.catalog.folder / "fetched"
        sweep(self._folder)

    def close(self) -> None:
        """Keep what has arrived, and end."""
        self.saver.close()
        self._gateway.stop.set()
        self.fetches.close()

    def opener(self, tenant: Tenant, served: ServedRepository, found: ResolvedFile) -> Opener:
        """Return what opens a file that a version lists."""

        async def open_stream(part: Part | None) -> Stream:
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
        """Return a signed link to a stored file; None where it has none, or its storage cannot."""
        for one in sources_of(tenant, served, found).stored:
            sign = tenant.storages.signer(one.address)
            if sign is not None:
                storage = tenant.storages.end(one.address).storage
                path = stored_path(storage, one.path, found.row.digest, one.etag)
                return sign(path, LINK_S, content_disposition(found.row.path))
        return None

    async def fetch_upstream(
        self, tenant: Tenant, served: ServedRepository, path: str
    ) -> tuple[Fetch, Opener]:
        """Begin to fetch a path that nobody lists from the upstream, and return what opens it.

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

        async def open_stream(part: Part | None) -> Stream:
            return await self._follow(key, fetch, part)

        return fetch, open_stream

    async def _open_stored(
        self, tenant: Tenant, served: ServedRepository, found: ResolvedFile, part: Part | None
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
        part: Part | None,
    ) -> Stream:
        """Answer whoever asks first for a file that is not stored."""
        sources = await self._gateway.run_in_thread(sources_of, tenant, served, found)
        if sources.stored:
            return await self._open_stored(tenant, served, found, part)
        row, known = found.row, expected_file(found.row)
        small = row.size is not None and row.size <= SHARED_IN_MEMORY
        if part is not None or not (sources.kept or small):
            return await self._open_passthrough(sources.candidates, known, part)
        under_way = self.fetches.find(key)  # another may have begun it meanwhile
        if under_way is None:
            target = FetchTarget(tenant, served, row.path, row, found.origin)
            under_way = self._begin_fetch(key, target, known, sources.candidates, kept=sources.kept)
        else:
            self._gateway.metrics.count_coalesced()
        return await self._follow(key, under_way, None)

    async def _open_passthrough(
        self, candidates: tuple[Candidate, ...], known: ExpectedFile, part: Part | None
    ) -> Stream:
        def begin() -> tuple[BlockReader, Close]:
            return open_passthrough(
                self._gateway, candidates, known, part, self.cooldown
            ), _do_nothing

        return await BlockStream.open(self._gateway, begin)

    async def _follow(self, key: Hashable, fetch: Fetch, part: Part | None) -> Stream:
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
        """Begin a fetch; what arrives whole is kept, if it may be."""
        spool = FileSpool(self._folder) if kept else MemorySpool()
        fetch = Fetch(known, candidates, spool, self.fetches.shared, asyncio.get_running_loop())
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
        """Let go of a fetch of which nothing more is to come, now or with its last reader."""
        fetch.kept = False
        fetch.call_soon(partial(self._reader_left, key, fetch))

    def _reader_left(self, key: Hashable, fetch: Fetch) -> None:
        """See what becomes of a fetch that a reader has left, or that came to its end."""
        if fetch.readers or fetch.kept:
            return
        if fetch.ended:
            self.fetches.forget(key, fetch)
        else:
            fetch.unwanted = True


def _can_serve(fetch: Fetch, part: Part | None) -> bool:
    """Say whether a fetch has what is asked for: a part that is far ahead is not waited for."""
    return part is None or fetch.ended or fetch.released >= part.stop


def _do_nothing() -> None:
    """Let go of nothing more."""
