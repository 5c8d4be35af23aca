"""Where served files are read from: stored copies first, then sources.

A copy in the file's own repository is trusted if size, time and etag match. Bytes from elsewhere
are verified with the digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, ResourceChanged, ResourceNotFound
from catalog.model.digest import Digest
from catalog.model.plan import Policy
from catalog.model.resource import Resource
from catalog.model.version import ContentRow
from catalog.queries.files import CopySearch, ResolvedFile, StoredCopy
from gateway.access.context import Gateway
from gateway.access.tenants import ServedRepository, Tenant
from gateway.content.block_reader import BlockReader, StreamBlockReader, open_block_reader
from gateway.content.fetch import Candidate, ExpectedFile
from gateway.content.source_cooldown import SourceCooldown
from gateway.content.source_headers import forwarded_headers
from gateway.content.verified_stream import VerifyingBlockReader
from gateway.http.range_header import ByteRange
from providers.base import Source
from providers.layouts.content_names import stored_path
from transfer.batch.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Sources:
    """A file's stored copies, and the candidates to fetch it from."""

    stored: tuple[StoredCopy, ...]
    candidates: tuple[Candidate, ...]
    kept: bool  # store the fetched file


def sources_of(tenant: Tenant, served: ServedRepository, found: ResolvedFile) -> Sources:
    """Return where a file can be read from, the best first."""
    origin = found.origin
    if origin is None:
        return Sources(found.places, (), kept=False)
    own = tuple(place for place in found.places if _is_own(served, place))
    others = [place for place in found.places if place not in own]
    return Sources(
        own,
        tuple(_candidates(tenant, found, others)),
        kept=origin.policy != Policy.STREAMED,
    )


def expected_file(row: ContentRow) -> ExpectedFile:
    """Return what is known about a file before it is fetched."""
    digests = () if row.digest is None else (Digest("sha256", row.digest),)
    return ExpectedFile(row.path, row.size, digests)


def upstream_candidates(
    tenant: Tenant, served: ServedRepository, path: str
) -> tuple[Candidate, ...]:
    """Return where an unlisted path can be fetched from."""
    if served.upstream is None:
        return ()
    address = served.upstream.address
    return (Candidate(address, path, partial(tenant.storages.end, address)),)


def _is_own(served: ServedRepository, copy: StoredCopy) -> bool:
    return copy.address == served.address or copy.address.startswith(f"{served.address}/.entrepot/")


def _candidates(
    tenant: Tenant, found: ResolvedFile, others: list[StoredCopy]
) -> Iterator[Candidate]:
    """Yield alternates and other holders by digest, then the origin, then its mirrors."""
    origin = found.origin
    if origin is None:
        return
    seen: set[tuple[str, str]] = set()
    main = (origin.origin, origin.origin_path)
    for one in others:
        if (one.address, one.path) != main:
            seen.add((one.address, one.path))
            yield _candidate(tenant, one.address, one.path)
    if origin.origin is None or origin.origin_path is None:
        return
    yield _candidate(tenant, origin.origin, origin.origin_path, origin.etag)
    if found.row.digest is None:
        return  # without a digest, a mirror's content cannot be verified
    for name in _mirrors(tenant, origin.origin):
        address = resolved(name).address
        if (address, origin.origin_path) not in seen:
            yield _candidate(tenant, address, origin.origin_path)


def _candidate(tenant: Tenant, address: str, path: str, etag: str | None = None) -> Candidate:
    return Candidate(address, path, partial(tenant.storages.end, address), etag)


def _mirrors(tenant: Tenant, address: str) -> list[str]:
    try:
        return tenant.storages.repository(address).mirrors
    except CatalogError:
        return []


def with_size(tenant: Tenant, served: ServedRepository, found: ResolvedFile) -> ResolvedFile:
    """Return a file with its size, looked up at its source if the catalog does not know it."""
    for candidate in sources_of(tenant, served, found).candidates:
        try:
            end = candidate.open()
            resource = end.storage.stat(candidate.path)
        except CatalogError:
            continue
        if candidate.etag in (None, resource.etag):
            return replace(found, row=replace(found.row, size=resource.size))
    return found


def open_stored(
    gateway: Gateway,
    tenant: Tenant,
    served: ServedRepository,
    found: ResolvedFile,
    part: ByteRange | None,
) -> BlockReader:
    """Open the first stored copy that is available.

    Raises:
        ResourceNotFound: no copy is available; the cause is the last error.
    """
    path = found.row.path
    try:
        return _open_any(gateway, tenant, served, found, part)
    except CatalogError as failure:
        more = tenant.catalog.files.find(served.address, found.version, path, CopySearch.EVERYWHERE)
        others = (
            () if more is None else (place for place in more.places if place not in found.places)
        )
        further = replace(found, places=tuple(others))
        if not further.places:
            raise ResourceNotFound(
                f"no place has the bytes of {path!r} now", path=path
            ) from failure
        return _open_any(gateway, tenant, served, further, part)


def _open_any(
    gateway: Gateway,
    tenant: Tenant,
    served: ServedRepository,
    found: ResolvedFile,
    part: ByteRange | None,
) -> BlockReader:
    failure: CatalogError | None = None
    for place in found.places:
        try:
            return _open_place(gateway, tenant, served, found, place, part)
        except CatalogError as error:
            failure = error
    path = found.row.path
    raise ResourceNotFound(f"no place has the bytes of {path!r} now", path=path) from failure


def _open_place(
    gateway: Gateway,
    tenant: Tenant,
    served: ServedRepository,
    found: ResolvedFile,
    copy: StoredCopy,
    part: ByteRange | None,
) -> BlockReader:
    end, row = tenant.storages.end(copy.address), found.row
    path = stored_path(end.storage, copy.path, row.digest, copy.etag)
    pin = copy.etag if end.storage.capabilities.etags else None
    blocks = open_block_reader(end, path, gateway.stop, etag=pin, size=row.size, part=part)
    try:
        _check_same(copy, path, blocks.resource)
    except ResourceChanged:
        blocks.close()
        raise
    if not _is_own(served, copy) and row.digest is not None and part is None:
        expected = (Digest("sha256", row.digest),)
        return VerifyingBlockReader(blocks, row.path, row.size, expected)
    return blocks


def _check_same(copy: StoredCopy, path: str, now: Resource) -> None:
    """Refuse a file that was overwritten since the catalog recorded it."""
    pairs = [(copy.size, now.size)]
    if path == copy.path and copy.etag is None:
        pairs.append((copy.modified_us, now.modified_us))
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ResourceChanged(f"{path!r} changed since it was stored", path=path)


def open_passthrough(
    gateway: Gateway,
    candidates: tuple[Candidate, ...],
    known: ExpectedFile,
    part: ByteRange | None,
    cooldown: SourceCooldown,
) -> BlockReader:
    """Open the first available candidate, to stream its bytes without storing them.

    A part is requested from the source as such; a whole file is verified while it is streamed.
    """
    failure: CatalogError | None = None
    for candidate in candidates:
        if not cooldown.is_allowed(candidate.address, known.cooldown_key(candidate)):
            continue
        try:
            blocks = _open_stream(gateway, candidate.open(), candidate, known, part)
        except CatalogError as error:
            failure = error
            continue
        if part is not None:
            return blocks

        def on_corrupt(_: object, candidate: Candidate = candidate) -> None:
            gateway.metrics.count_corrupt()
            cooldown.add(candidate.address, known.cooldown_key(candidate))

        return VerifyingBlockReader(blocks, known.name, known.size, known.digests, on_corrupt)
    if failure is not None:
        raise failure
    raise ResourceNotFound(f"no source currently has {known.name!r}", path=known.name)


def _open_stream(
    gateway: Gateway,
    end: Endpoint[Source],
    candidate: Candidate,
    known: ExpectedFile,
    part: ByteRange | None,
) -> BlockReader:
    if part is not None:
        return open_block_reader(
            end, candidate.path, gateway.stop, etag=candidate.etag, size=known.size, part=part
        )
    blocks = StreamBlockReader(end, candidate.path, candidate.etag, gateway.stop)
    blocks.headers = forwarded_headers(blocks.headers)
    return blocks
