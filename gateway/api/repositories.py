"""Repositories over HTTP: the repositories of a tenant, their latest versions, and diffs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from catalog.access.grants import Role
from catalog.errors import CatalogError, InvalidInput, NotRecorded, RepositoryNotFound
from catalog.filters.labels import parse_terms
from catalog.filters.versions import Span, VersionFilter
from catalog.model.version import Version
from catalog.queries.cursors import encode_cursor
from catalog.queries.paging import Page
from gateway.access.authorization import RepositoryReader, SomeReader
from gateway.access.context import Context
from gateway.access.tenants import ServedRepository, Tenant
from gateway.api.serializers import Json, label_pairs, page, row_json, to_json
from gateway.http.errors import message_of
from gateway.http.lines import accepts_json_lines, json_lines
from gateway.http.request_models import Paging

router = APIRouter(prefix="/v1/{tenant}/repositories", tags=["repositories"])
Name = Annotated[str, Path(description="The repository's name.", max_length=63)]
Unusable = (RepositoryNotFound, InvalidInput)


class Repositories(Paging):
    """Query parameters for lists of repositories."""

    labels: str = Field(
        default="",
        description="Conditions on labels: k=v, k!=v, k~part, k, !k; comma means AND.",
    )


class Differences(Paging):
    """Query parameters for diffs."""

    old: int | None = Field(
        default=None,
        alias="from",
        ge=0,
        le=2**53,
        description="The earlier version; by default the one before the later version.",
    )
    new: int | None = Field(
        default=None,
        alias="to",
        ge=0,
        le=2**53,
        description="The later version; by default the latest.",
    )


@router.get("/")
def list_repositories(context: SomeReader, query: Annotated[Repositories, Query()]) -> Json:
    """List the served repositories by name, with their latest versions."""
    return page(repositories_page(context, query), "repositories")


@router.get("/{name}")
def repository(context: RepositoryReader, name: Name) -> Json:
    """Return one repository with its latest version."""
    served = context.tenant.served(name)
    latest = context.tenant.catalog.versions.latest_of([served.address])
    return repository_facts(served, latest.get(served.address))


@router.get("/{name}/diff", response_model=None)
def diff(
    context: RepositoryReader, name: Name, request: Request, query: Annotated[Differences, Query()]
) -> Json | Response:
    """Return the paths whose content differs between two versions, by page.

    With `Accept: application/x-ndjson` all of them are sent, one per line.
    """
    served, catalog = context.tenant.served(name), context.tenant.catalog
    old, new = versions_between(context, served.address, query.old, query.new)
    if accepts_json_lines(request):
        return json_lines(
            map(row_json, catalog.versions.diff(served.address, old, new)), context.paced
        )
    found = catalog.versions.diff_page(served.address, old, new, query.page_request())
    return {"from": old, "to": new, **page(found, "diff", row_json)}


def versions_between(
    context: Context, address: str, old: int | None, new: int | None
) -> tuple[int, int]:
    """Return the two versions of a diff: by default the latest and the one before."""
    catalog = context.tenant.catalog
    later = catalog.versions.latest(address).number if new is None else new
    if old is not None:
        return old, later
    earlier = catalog.versions.all(address, VersionFilter(numbers=Span(below=later)))
    if not earlier:
        raise NotRecorded("version", f"{address} before {later}")
    return earlier[-1].number, later


def readable_names(context: Context) -> list[str]:
    """Return the names of repositories that the caller may read."""
    own = context.caller.repositories(Role.READER)
    return [name for name in context.tenant.names() if own is None or name in own]


def repositories_page(context: Context, query: Repositories) -> Page[Json]:
    """Return a page of repositories that the caller may read."""
    tenant = context.tenant
    wanted, asked = parse_terms(query.labels), query.page_request()
    (after,) = asked.cursor_keys(str)
    chosen: list[ServedRepository | Json] = []
    for name in readable_names(context):
        if after is not None and name <= str(after):
            continue
        found = _served_or_error(tenant, name)
        labels = found.repository.labels if isinstance(found, ServedRepository) else {}
        if all(one.matches(labels) for one in wanted):
            chosen.append(found)
        if len(chosen) > asked.count:
            break
    shown = chosen[: asked.count]
    known = tenant.catalog.versions.latest_of([one.address for one in _usable(shown)])
    rows = tuple(
        repository_facts(one, known.get(one.address)) if isinstance(one, ServedRepository) else one
        for one in shown
    )
    return Page(rows, encode_cursor(rows[-1]["name"]) if len(chosen) > len(shown) else None)


def repository_facts(served: ServedRepository, latest: Version | None) -> Json:
    """Return one repository as JSON."""
    return to_json(
        {
            "name": served.name,
            "repository": served.address,
            "version": None if latest is None else latest.number,
            "files": 0 if latest is None else latest.total,
            "bytes": 0 if latest is None else latest.bytes,
            "created": None if latest is None else latest.created_at,
            "labels": label_pairs(served.repository.labels),
        }
    )


def _served_or_error(tenant: Tenant, name: str) -> ServedRepository | Json:
    """Return a repository, or the error of an invalid one, so that lists still work."""
    try:
        return tenant.served(name)
    except Unusable as error:
        return _error_facts(name, error)


def _error_facts(name: str, error: CatalogError) -> Json:
    told_of = {"name": name, "repository": None, "version": None, "files": 0, "bytes": 0}
    return {**told_of, "created": None, "labels": [], "error": message_of(error)}


def _usable(every: list[ServedRepository | Json]) -> Iterator[ServedRepository]:
    return (one for one in every if isinstance(one, ServedRepository))
