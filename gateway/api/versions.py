"""Versions of a repository over HTTP: their content, labels and protection.

A version is given by its number, or as `latest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from catalog.catalog import Catalog
from catalog.errors import NotRecorded, RepositoryNotFound
from catalog.filters.labels import parse_terms
from catalog.filters.versions import Span, VersionFilter
from catalog.model.version import ContentRow, Version
from catalog.queries.cursors import encode_cursor
from catalog.queries.paging import EVERY_PATH, MAX_PAGE_ROWS, ContentFilter, Page, PageRequest
from gateway.access.authorization import RepositoryAdmin, RepositoryReader, RepositoryWriter
from gateway.access.context import Context
from gateway.api.repositories import Name
from gateway.api.serializers import Json, page, row_json
from gateway.api.serializers import version as version_facts
from gateway.content.manifest_response import manifest_reply
from gateway.content.path_lookup import refuse_repository_of_other_tenant
from gateway.http.lines import accepts_json_lines, json_lines
from gateway.http.request_models import Moment, Paging, StrictModel

router = APIRouter(prefix="/v1/{tenant}/repositories/{name}/versions", tags=["repositories"])
Number = Annotated[
    str,
    Path(pattern=r"^(latest|\d{1,15})$", description="The version's number, or `latest`."),
]
Label = Annotated[str, Field(min_length=1, max_length=200)]


class Versions(Paging):
    """Query parameters for lists of versions."""

    first: int | None = Field(default=None, ge=0, le=2**53, description="Lowest number.")
    last: int | None = Field(default=None, ge=0, le=2**53, description="Highest number.")
    since: Moment | None = Field(default=None, description="Created at this time or later.")
    until: Moment | None = Field(default=None, description="Created at this time or before.")
    labels: str = Field(
        default="",
        description="Conditions on labels: k=v, k!=v, k~part, k, !k; comma means AND.",
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Only versions that contain this path.",
    )
    digest: str | None = Field(
        default=None,
        max_length=71,
        description="Only versions that contain a file with this sha256, at `path` if given.",
    )
    order: str = Field(
        default="-number",
        pattern="^-?number$",
        description="Sort order: number (lowest first) or -number.",
    )

    def filter(self) -> VersionFilter:
        """Return the filter for the catalog."""
        return VersionFilter(
            numbers=Span(first=self.first, last=self.last),
            created=Span(first=self.since, last=self.until),
            path=self.path,
            digest=self.digest,
        )


class Content(Paging):
    """Query parameters for the content of a version."""

    prefix: str = Field(default="", max_length=1024, description="Prefix of the paths.")
    glob: str = Field(default="", max_length=1024, description="Glob for complete paths.")


class Labels(StrictModel):
    """Labels that replace those of a version."""

    labels: dict[Label, Annotated[str, Field(max_length=2000)]] = Field(
        description="Labels of the version."
    )


class Protection(StrictModel):
    """A protection of a version."""

    reason: str = Field(
        min_length=1, max_length=2000, description="Why the version must not be deleted."
    )


@router.get("")
def list_versions(
    context: RepositoryReader, name: Name, query: Annotated[Versions, Query()]
) -> Json:
    """List the versions of a repository, the newest first."""
    every = versions_of(context, name, query.filter())
    wanted = parse_terms(query.labels)
    fitting = [one for one in every if all(term.matches(one.labels) for term in wanted)]
    found = versions_page(fitting, query.page_request(), down=query.order.startswith("-"))
    return page(found, "versions", version_facts)


@router.get("/{number}")
def version(context: RepositoryReader, name: Name, number: Number) -> Json:
    """Return one version: its counts, labels, and protections."""
    return version_facts(version_of(context, name, number))


@router.get("/{number}/content", response_model=None)
def content(
    context: RepositoryReader,
    name: Name,
    number: Number,
    request: Request,
    query: Annotated[Content, Query()],
) -> Json | Response:
    """Return the content of a version in path order, by page.

    With `Accept: application/x-ndjson` all of it is sent, one file per line.
    """
    catalog, one = context.tenant.catalog, version_of(context, name, number)
    where = ContentFilter(query.prefix, query.glob)
    if accepts_json_lines(request):
        return json_lines(map(row_json, iterate_content(catalog, one, where)), context.paced)
    found = catalog.versions.content_page(one.address, one.number, where, query.page_request())
    return {"version": one.number, **page(found, "content", row_json)}


@router.get("/{number}/manifest", response_class=Response)
@router.head("/{number}/manifest", response_class=Response)
def manifest(context: RepositoryReader, name: Name, number: Number, request: Request) -> Response:
    """Send a version's PULP_MANIFEST: a line `path,sha256,size` for each file."""
    served, one = context.tenant.served(name), version_of(context, name, number)
    return manifest_reply(request, context.tenant.catalog, served, one.number)


@router.put("/{number}/labels")
def set_labels(context: RepositoryWriter, name: Name, number: Number, body: Labels) -> Json:
    """Replace the labels of a version."""
    one = version_of(context, name, number)
    labels: dict[str, str | None] = {**dict.fromkeys(one.labels), **body.labels}
    return version_facts(context.tenant.catalog.versions.label(one.address, one.number, labels))


@router.post("/{number}/protection", status_code=201)
def protect(context: RepositoryWriter, name: Name, number: Number, body: Protection) -> Json:
    """Protect a version from deletion, for a reason."""
    one = version_of(context, name, number)
    context.tenant.catalog.retention.protect(one.address, one.number, body.reason)
    return version_facts(version_of(context, name, str(one.number)))


@router.delete("/{number}/protection")
def unprotect(
    context: RepositoryWriter,
    name: Name,
    number: Number,
    reason: Annotated[
        str | None, Query(max_length=2000, description="Reason to remove; all by default.")
    ] = None,
) -> Json:
    """Remove one protection of a version, or all of them."""
    one = version_of(context, name, number)
    context.tenant.catalog.retention.unprotect(one.address, one.number, reason)
    return version_facts(version_of(context, name, str(one.number)))


@router.delete("/{number}")
def delete_version(context: RepositoryAdmin, name: Name, number: Number) -> Json:
    """Delete a version: its changes become part of the next one; no file is changed."""
    one = version_of(context, name, number)
    gone = context.tenant.catalog.versions.delete(one.address, one.number)
    return {"deleted": [one.number] if gone else []}


def iterate_content(
    catalog: Catalog, chosen: Version, where: ContentFilter
) -> Iterator[ContentRow]:
    """Yield all matching content of a version."""
    if where == EVERY_PATH:
        yield from catalog.versions.content(chosen.address, chosen.number)
        return
    asked: PageRequest | None = PageRequest(count=MAX_PAGE_ROWS)
    while asked is not None:
        found = catalog.versions.content_page(chosen.address, chosen.number, where, asked)
        yield from found.rows
        asked = None if found.next_cursor is None else PageRequest(found.next_cursor, MAX_PAGE_ROWS)


def version_of(context: Context, name: str, number: str) -> Version:
    """Return a version of a served repository."""
    served, catalog = context.tenant.served(name), context.tenant.catalog
    try:
        if number == "latest":
            return catalog.versions.latest(served.address)
        return catalog.versions.get(served.address, int(number))
    except (RepositoryNotFound, NotRecorded):
        refuse_repository_of_other_tenant(catalog, served)
        raise


def versions_of(context: Context, name: str, where: VersionFilter) -> list[Version]:
    """Return the matching versions of a served repository, the lowest first."""
    served, catalog = context.tenant.served(name), context.tenant.catalog
    try:
        return catalog.versions.all(served.address, where)
    except RepositoryNotFound:
        refuse_repository_of_other_tenant(catalog, served)
        raise


def versions_page(every: Sequence[Version], asked: PageRequest, *, down: bool) -> Page[Version]:
    """Return a page of versions, which are given with the lowest number first."""
    (after,) = asked.cursor_keys(int)
    ordered = list(reversed(every)) if down else list(every)
    if isinstance(after, int):
        ordered = [one for one in ordered if (one.number < after if down else one.number > after)]
    shown = tuple(ordered[: asked.count])
    return Page(shown, encode_cursor(shown[-1].number) if len(ordered) > len(shown) else None)
