"""Where the bytes of a served file come from: stored places first, then the sources of it.

A place of its own repository is trusted as it was written, by size, time and etag. Bytes from
anywhere else are compared with the digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from blocks.resolve import repository as resolved
from catalog.digest import Digest
from catalog.errors import CatalogError, ResourceChanged, ResourceNotFound
from catalog.plan import Policy
from catalog.resource import Resource
from catalog.serving import Found, Look, Placed
from catalog.version import ContentRow
from gateway.blocks import Blocks, StreamBlocks, opened
from gateway.context import Gateway
from gateway.cooling import Cooling
from gateway.fetching import Candidate, Known
from gateway.flowing import VerifiedBlocks
from gateway.passing import passed
from gateway.ranges import Part
from gateway.tenants import Served, Tenant
from providers.base import Source
from providers.by_digest import path_in
from transfer.job import End


@dataclass(frozen=True, slots=True)
class Sources:
    """A file's stored places, and the candidates to fetch it from."""

    stored: tuple[Placed, ...]
    candidates: tuple[Candidate, ...]
    kept: bool  # what is fetched is to be kept


def sources_of(tenant: Tenant, served: Served, found: Found) -> Sources:
    """Return where a file can be had, the best first."""
    origin = found.origin
    if origin is None:
        return Sources(found.places, (), kept=False)
    own = tuple(one for one in found.places if _is_own(served, one))
    others = [one for one in found.places if one not in own]
    return Sources(
        own,
        tuple(_candidates(tenant, found, others)),
        kept=origin.policy != Policy.STREAMED,
    )


def known_of(row: ContentRow) -> Known:
    """Return what is known of a file before it comes."""
    digests = () if row.digest is None else (Digest("sha256", row.digest),)
    return Known(row.path, row.size, digests)


def upstream_candidates(tenant: Tenant, served: Served, path: str) -> tuple[Candidate, ...]:
    """Return where a path that nobody lists can be had."""
    if served.upstream is None:
        return ()
    address = served.upstream.address
    return (Candidate(address, path, partial(tenant.places.end, address)),)


def _is_own(served: Served, one: Placed) -> bool:
    return one.address == served.address or one.address.startswith(f"{served.address}/.entrepot/")


def _candidates(tenant: Tenant, found: Found, others: list[Placed]) -> Iterator[Candidate]:
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
        return  # nothing else could tell that a mirror holds the same
    for name in _mirrors(tenant, origin.origin):
        address = resolved(name).address
        if (address, origin.origin_path) not in seen:
            yield _candidate(tenant, address, origin.origin_path)


def _candidate(tenant: Tenant, address: str, path: str, etag: str | None = None) -> Candidate:
    return Candidate(address, path, partial(tenant.places.end, address), etag)


def _mirrors(tenant: Tenant, address: str) -> list[str]:
    try:
        return tenant.places.repository(address).mirrors
    except CatalogError:
        return []


def sized(tenant: Tenant, served: Served, found: Found) -> Found:
    """Return a file with its size, asked of its source where the catalog was not told."""
    for one in sources_of(tenant, served, found).candidates:
        try:
            end = one.opened()
            resource = end.storage.stat(one.path)
        except CatalogError:
            continue
        if one.etag in (None, resource.etag):
            return replace(found, row=replace(found.row, size=resource.size))
    return found


def open_stored(
    gateway: Gateway, tenant: Tenant, served: Served, found: Found, part: Part | None
) -> Blocks:
    """Open the first stored place that has the file.

    Raises:
        ResourceNotFound: none has it; the last reason is told.
    """
    path = found.row.path
    try:
        return _open_any(gateway, tenant, served, found, part)
    except CatalogError as failure:
        more = tenant.catalog.find(served.address, found.version, path, Look.EVERYWHERE)
        others = () if more is None else (one for one in more.places if one not in found.places)
        further = replace(found, places=tuple(others))
        if not further.places:
            raise ResourceNotFound(
                f"no place has the bytes of {path!r} now", path=path
            ) from failure
        return _open_any(gateway, tenant, served, further, part)


def _open_any(
    gateway: Gateway, tenant: Tenant, served: Served, found: Found, part: Part | None
) -> Blocks:
    failure: CatalogError | None = None
    for one in found.places:
        try:
            return _open_place(gateway, tenant, served, found, one, part)
        except CatalogError as error:
            failure = error
    path = found.row.path
    raise ResourceNotFound(f"no place has the bytes of {path!r} now", path=path) from failure


def _open_place(
    gateway: Gateway,
    tenant: Tenant,
    served: Served,
    found: Found,
    one: Placed,
    part: Part | None,
) -> Blocks:
    end, row = tenant.places.end(one.address), found.row
    path = path_in(end.storage, one.path, row.digest, one.etag)
    pin = one.etag if end.storage.capabilities.etags else None
    blocks = opened(end, path, gateway.stop, etag=pin, size=row.size, part=part)
    try:
        _check_same(one, path, blocks.resource)
    except ResourceChanged:
        blocks.close()
        raise
    if not _is_own(served, one) and row.digest is not None and part is None:
        expected = (Digest("sha256", row.digest),)
        return VerifiedBlocks(blocks, row.path, row.size, expected)
    return blocks


def _check_same(one: Placed, path: str, now: Resource) -> None:
    """Refuse a file that somebody wrote over since the catalog was told of it."""
    pairs = [(one.size, now.size)]
    if path == one.path and one.etag is None:
        pairs.append((one.modified_us, now.modified_us))
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ResourceChanged(f"{path!r} is not what was stored there", path=path)


def open_through(
    gateway: Gateway,
    candidates: tuple[Candidate, ...],
    known: Known,
    part: Part | None,
    cooling: Cooling,
) -> Blocks:
    """Open the first candidate that answers, to pass its bytes through without keeping them.

    A part is asked of the source as such; the whole is compared while it passes.
    """
    failure: CatalogError | None = None
    for one in candidates:
        if not cooling.is_asked(one.address, known.mark(one)):
            continue
        try:
            blocks = _passing(gateway, one.opened(), one, known, part)
        except CatalogError as error:
            failure = error
            continue
        if part is not None:
            return blocks

        def wrong(_: object, one: Candidate = one) -> None:
            gateway.metrics.corrupt()
            cooling.wrong(one.address, known.mark(one))

        return VerifiedBlocks(blocks, known.name, known.size, known.digests, wrong)
    if failure is not None:
        raise failure
    raise ResourceNotFound(f"no source has {known.name!r} now", path=known.name)


def _passing(
    gateway: Gateway, end: End[Source], one: Candidate, known: Known, part: Part | None
) -> Blocks:
    if part is not None:
        return opened(end, one.path, gateway.stop, etag=one.etag, size=known.size, part=part)
    blocks = StreamBlocks(end, one.path, one.etag, gateway.stop)
    blocks.headers = passed(blocks.headers)
    return blocks
