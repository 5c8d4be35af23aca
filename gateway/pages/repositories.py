"""Pages of a tenant: its repositories, their versions, content and diffs.

They work without scripts; browsers prompt for the token as a password.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from catalog.errors import NotRecorded, RepositoryNotFound
from catalog.model.version import ContentRow, Version
from catalog.queries.paging import ContentFilter, Page, PageRequest
from gateway.access.authorization import RepositoryReader, SomeReader
from gateway.access.context import Context
from gateway.api.repositories import (
    Name,
    Repositories,
    readable_names,
    repositories_page,
    versions_between,
)
from gateway.api.versions import Number, version_of, versions_page
from gateway.content.path_lookup import refuse_repository_of_other_tenant
from gateway.pages.rendering import PageRoute, address, page

router = APIRouter(prefix="/browse/{tenant}", route_class=PageRoute, include_in_schema=False)
ROWS = 200  # of one page
GLOB = frozenset("*?[{")
Cursor = Annotated[str | None, Query(max_length=8192, pattern="^[A-Za-z0-9_=-]*$")]
Search = Annotated[str, Query(max_length=4096)]
Folder = Annotated[str, Query(max_length=4096)]
Place = Annotated[int, Query(ge=0, le=10**9)]
Chosen = Annotated[str, Query(pattern=r"^\d{0,15}$")]


@router.get("/", response_class=Response)
def repositories(
    context: SomeReader, labels: Annotated[str, Query(max_length=2000)] = "", cursor: Cursor = None
) -> Response:
    """List the repositories of a tenant."""
    found = repositories_page(context, Repositories(labels=labels, cursor=cursor, limit=ROWS))
    return page("repositories.html", tenant=context.tenant.name, found=found, labels=labels)


@router.get("/version", response_class=Response)
def by_address(
    context: SomeReader,
    at: Annotated[str, Query(alias="address", max_length=4096)],
    number: Annotated[int, Query(ge=0, le=2**53)],
) -> Response:
    """Redirect to a version of the repository with an address; used in reports of runs."""
    tenant = context.tenant
    for name in readable_names(context):
        found = tenant.served_or_none(name)
        if found is not None and found.address == at:
            place = ("browse", tenant.name, "repositories", name, "versions", number, "")
            return RedirectResponse(address(*place), 303)
    raise RepositoryNotFound(f"no repository with the address {at!r} is served")


@router.get("/repositories/{name}/", response_class=Response)
def versions(context: RepositoryReader, name: Name, cursor: Cursor = None) -> Response:
    """List the versions of a repository, the newest first."""
    served = context.tenant.served(name)
    try:
        every = context.tenant.catalog.versions.all(served.address)
    except RepositoryNotFound:  # it is served, but has no versions yet
        refuse_repository_of_other_tenant(context.tenant.catalog, served)
        every = []
    found = versions_page(every, PageRequest(cursor, ROWS), down=True)
    return page("versions.html", tenant=context.tenant.name, name=name, served=served, found=found)


@router.get("/repositories/{name}/versions/{number}/", response_class=Response)
def content(
    context: RepositoryReader,
    name: Name,
    number: Number,
    folder: Folder = "",
    search: Search = "",
    cursor: Cursor = None,
    offset: Place = 0,
) -> Response:
    """Show the content of a version: a folder, or the results of a search."""
    version, folder = version_of(context, name, number), folder.strip("/")
    shown = {"tenant": context.tenant.name, "name": name, "version": version, "search": search}
    if search:
        found = _found(context, version, search, cursor)
        return page("search.html", found=found, **shown)
    catalog = context.tenant.catalog
    entries = catalog.files.folder(
        version.address, version.number, folder, count=ROWS + 1, offset=offset
    )
    if not entries and folder:
        raise NotRecorded("folder", folder)
    parts = folder.split("/") if folder else []
    trail = [("/".join(parts[: place + 1]), part) for place, part in enumerate(parts)]
    return page(
        "folder.html",
        folder=folder,
        trail=trail,
        entries=entries[:ROWS],
        before=max(0, offset - ROWS) if offset else None,
        after=offset + ROWS if len(entries) > ROWS else None,
        **shown,
    )


@router.get("/repositories/{name}/diff", response_class=Response)
def diff(
    context: RepositoryReader,
    name: Name,
    old: Annotated[Chosen, Query(alias="from")] = "",
    new: Annotated[Chosen, Query(alias="to")] = "",
    cursor: Cursor = None,
) -> Response:
    """Show the differences between two versions."""
    served, catalog = context.tenant.served(name), context.tenant.catalog
    earlier, later = versions_between(
        context, served.address, int(old) if old else None, int(new) if new else None
    )
    counts = catalog.versions.diff_counts(served.address, earlier, later)
    found = catalog.versions.diff_page(served.address, earlier, later, PageRequest(cursor, ROWS))
    return page(
        "diff.html",
        tenant=context.tenant.name,
        name=name,
        old=earlier,
        new=later,
        counts=counts,
        found=found,
    )


def _found(context: Context, version: Version, search: str, cursor: str | None) -> Page[ContentRow]:
    """Search by glob if the text looks like one, else by prefix."""
    where = ContentFilter(glob=search) if GLOB & set(search) else ContentFilter(prefix=search)
    asked = PageRequest(cursor, ROWS)
    return context.tenant.catalog.versions.content_page(
        version.address, version.number, where, asked
    )
