"""Repositories over HTTP: which a tenant has, what each holds now, and what differs in its past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from catalog.browsing import Page
from catalog.cursor import encoded
from catalog.errors import CatalogError, InvalidInput, NotRecorded, RepositoryNotFound
from catalog.label_filter import terms
from catalog.version import Version
from catalog.version_filter import Span, VersionFilter
from gateway.answers import Told, page, pairs, plain, told
from gateway.context import Context, Reader
from gateway.lines import json_lines, wants_lines
from gateway.paging import Paging
from gateway.replies import message_of
from gateway.tenants import Served, Tenant

router = APIRouter(prefix="/v1/{tenant}/repositories", tags=["repositories"])
Name = Annotated[str, Path(description="The repository's name.", max_length=63)]
Unusable = (RepositoryNotFound, InvalidInput)


class Repositories(Paging):
    """Which repositories a list has."""

    labels: str = Field(
        default="", description="Conditions: k=v, k!=v, k~part, k, !k; a comma is and."
    )


class Differences(Paging):
    """Between which versions a diff is."""

    old: int | None = Field(
        default=None,
        alias="from",
        ge=0,
        le=2**53,
        description="The earlier version; by default the one before the later.",
    )
    new: int | None = Field(
        default=None, alias="to", ge=0, le=2**53, description="The later version; the latest."
    )


@router.get("/")
def list_repositories(context: Reader, query: Annotated[Repositories, Query()]) -> Told:
    """List the repositories that are served, by name, with the latest version of each."""
    return page(repositories_page(context.tenant, query), "repositories")


@router.get("/{name}")
def repository(context: Reader, name: Name) -> Told:
    """Return one repository with its latest version."""
    served = context.tenant.served(name)
    latest = context.tenant.catalog.latest_versions([served.address])
    return repository_facts(served, latest.get(served.address))


@router.get("/{name}/diff", response_model=None)
def diff(
    context: Reader, name: Name, request: Request, query: Annotated[Differences, Query()]
) -> Told | Response:
    """Return the paths whose bytes differ between two versions, a page at a time.

    With `Accept: application/x-ndjson` all of them are sent, a line each.
    """
    served, catalog = context.tenant.served(name), context.tenant.catalog
    old, new = between(context, served.address, query.old, query.new)
    if wants_lines(request):
        return json_lines(map(plain, catalog.diff(served.address, old, new)))
    found = catalog.diff_page(served.address, old, new, query.asked())
    return {"from": old, "to": new, **page(found, "diff", plain)}


def between(context: Context, address: str, old: int | None, new: int | None) -> tuple[int, int]:
    """Return the two versions that a diff is between: by default the latest and the one before."""
    catalog = context.tenant.catalog
    later = catalog.latest(address).number if new is None else new
    if old is not None:
        return old, later
    earlier = catalog.versions(address, VersionFilter(numbers=Span(below=later)))
    if not earlier:
        raise NotRecorded("version", f"{address} before {later}")
    return earlier[-1].number, later


def repositories_page(tenant: Tenant, query: Repositories) -> Page[Told]:
    """Return a page of the repositories of a tenant."""
    wanted, asked = terms(query.labels), query.asked()
    (after,) = asked.after(str)
    chosen: list[Served | Told] = []
    for name in tenant.names():
        if after is not None and name <= str(after):
            continue
        found = _served(tenant, name)
        labels = found.repository.labels if isinstance(found, Served) else {}
        if all(one.holds(labels) for one in wanted):
            chosen.append(found)
        if len(chosen) > asked.count:
            break
    shown = chosen[: asked.count]
    known = tenant.catalog.latest_versions([one.address for one in _usable(shown)])
    rows = tuple(
        repository_facts(one, known.get(one.address)) if isinstance(one, Served) else one
        for one in shown
    )
    return Page(rows, encoded(rows[-1]["name"]) if len(chosen) > len(shown) else None)


def repository_facts(served: Served, latest: Version | None) -> Told:
    """Return what is told of one repository."""
    return told(
        {
            "name": served.name,
            "repository": served.address,
            "version": None if latest is None else latest.number,
            "files": 0 if latest is None else latest.total,
            "bytes": 0 if latest is None else latest.bytes,
            "created": None if latest is None else latest.created_at,
            "labels": pairs(served.repository.labels),
        }
    )


def _served(tenant: Tenant, name: str) -> Served | Told:
    """Return a repository, or what is told of one that cannot be used: a list goes on."""
    try:
        return tenant.served(name)
    except Unusable as error:
        return _unusable(name, error)


def _unusable(name: str, error: CatalogError) -> Told:
    told_of = {"name": name, "repository": None, "version": None, "files": 0, "bytes": 0}
    return {**told_of, "created": None, "labels": [], "error": message_of(error)}


def _usable(every: list[Served | Told]) -> Iterator[Served]:
    return (one for one in every if isinstance(one, Served))
