"""Resources over HTTP: what the Punch Resource Manager does, under its paths and in its words.

Names are paths; the last uploaded version is meant where none is given, and every one of them by
copy, move and delete.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from catalog.access.grants import OfResource, Role
from catalog.model.resource_version import ResourceVersion
from catalog.queries.paging import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS
from catalog.queries.resources.lists import ResourceFilter
from gateway.access.authorization import ResourceReader, ResourceWriter, SomeReader
from gateway.access.context import Context
from gateway.http.asgi_response import AsgiResponse
from gateway.http.conditions import Validators
from gateway.http.content_disposition import disposition
from gateway.http.digest_headers import repr_digest, trusted_hex_digests
from gateway.http.file_response import FileHead, RangeFileResponse
from gateway.http.paging import Paging
from gateway.http.strict_model import Strict
from gateway.limits.slots import without_slot
from gateway.resource_store.metadata import document, listed, reply, simple
from gateway.resource_store.names import checked_name
from gateway.resource_store.properties import checked_properties, properties_of
from gateway.resource_store.upload import UploadFacts
from gateway.resources.download import stored_opener
from gateway.resources.preconditions import etag_of, expected_state, precondition_failed
from gateway.resources.upload import receive

router = APIRouter(prefix="/v1/{tenant}/resources", tags=["resources"])
Name = Annotated[str, Path(description="The resource's name, a path.", max_length=1024)]
Version = Annotated[
    int | None, Query(ge=0, le=2**53, description="One version of it, counted from 0.")
]
Property = Annotated[
    list[str] | None, Query(description="A property of the resource as key=value; repeatable.")
]
To = Annotated[str, Query(description="The name that it gets.", min_length=1, max_length=1024)]
Told = dict[str, Any]


class Listing(Paging):
    """Which resources a list has, and how it tells of them."""

    simplify: bool = Field(default=False, description="Tell time, name and version alone.")
    prefix: str = Field(default="", max_length=1024, description="What names begin with.")
    properties: str = Field(
        default="", description="Conditions: k=v, k!=v, k~part, k, !k; a comma is and."
    )
    every_version: bool = Field(default=False, description="Every version, not the latest alone.")
    order: str = Field(
        default="name",
        description="name, timestamp or size; with a dash before it descending.",
        max_length=40,
    )
    limit: int = Field(
        default=DEFAULT_PAGE_ROWS, ge=1, le=MAX_PAGE_ROWS, description="Of one page."
    )
    where: str = Field(
        default="",
        max_length=2000,
        description=(
            "A condition in SQL on path (the name), size, modified_us, sha256, content_type and "
            "properties, with AND, OR, NOT and brackets."
        ),
    )


class Registration(Strict):
    """What lies elsewhere."""

    url: str = Field(description="Where the bytes lie.", min_length=1, max_length=4096)
    size: int | None = Field(default=None, ge=0, le=2**53, description="Size in bytes.")
    digests: dict[str, str] = Field(
        default_factory=dict[str, str], description="Digests in hex by algorithm."
    )
    type: str | None = Field(default=None, max_length=255, description="Content type.")
    properties: dict[str, str] = Field(
        default_factory=dict[str, str], description="Your own words about it."
    )


class Properties(Strict):
    """Properties that replace those a resource has."""

    properties: dict[str, str] = Field(description="Your own words about it.")


@router.put("/upload/{name:path}", status_code=201)
@router.post("/upload/{name:path}", status_code=201)
async def upload(
    context: ResourceWriter, request: Request, name: Name, properties: Property = None
) -> Told:
    """Store the body as the next version: a form whose field `input` is the file, or the file."""
    made = await receive(context, request, name, properties_of(properties or []))
    return _told(context, [made], made.name, "Upload resource")


@router.get("/list")
@router.get("/")
def list_resources(context: SomeReader, query: Annotated[Listing, Query()]) -> Told:
    """List resources, a page at a time: ask again with the reply's `next` as `cursor`."""
    where = ResourceFilter(
        query.prefix,
        query.properties,
        query.every_version,
        query.order,
        query.limit,
        query.cursor,
        query.where,
        within=context.caller.prefixes(Role.READER),
    )
    page = context.tenant.catalog.resources.page(where)
    tenant = context.tenant.name
    shown = [simple(one) if query.simplify else listed(one, tenant) for one in page.rows]
    told = reply(shown, f"{query.prefix}*", "List resources", tenant)
    return told if page.next_cursor is None else {**told, "next": page.next_cursor}


@router.get("/metadata/{name:path}")
def metadata(context: ResourceReader, name: Name, version: Version = None) -> Told:
    """Return the metadata of a resource: of its latest version, or of the one named."""
    one = context.tenant.catalog.resources.get(checked_name(name), version)
    return _told(context, [one], one.name, "Resource metadata")


@router.get("/versions/{name:path}")
def versions(context: ResourceReader, name: Name) -> Told:
    """Return the metadata of every version of a resource, the lowest first."""
    name = checked_name(name)
    every = context.tenant.catalog.resources.versions(name)
    return _told(context, every, name, "Resource versions")


@router.put("/metadata/{name:path}")
def set_properties(
    context: ResourceWriter, request: Request, name: Name, body: Properties, version: Version = None
) -> Told:
    """Replace the properties of a resource: of its latest version, or of the one named."""
    catalog = context.tenant.catalog
    expected_state(catalog, request.headers, checked_name(name))
    one = catalog.resources.get(checked_name(name), version)
    catalog.resources.set_properties(one.name, one.version, checked_properties(body.properties))
    one = catalog.resources.get(one.name, one.version)
    return _told(context, [one], one.name, "Set properties")


@router.get("/download/{name:path}", response_class=Response)
@router.head("/download/{name:path}", response_class=Response)
async def download(context: ResourceReader, name: Name, version: Version = None) -> Response:
    """Send the bytes of a resource: whole, a range, or not where the client has them (304)."""
    catalog = context.tenant.catalog
    return sent(
        context, await context.gateway.thread(catalog.resources.get, checked_name(name), version)
    )


def sent(context: Context, one: ResourceVersion) -> Response:
    """Return what sends the bytes of a version."""
    created_us = int(one.created_at.timestamp() * 1e6)
    headers = (
        ("Content-Disposition", disposition(one.name)),
        ("X-Entrepot-Version", str(one.version)),
        *((("Repr-Digest", repr_digest(one.digest)),) if one.digest else ()),
        *((("Content-Encoding", one.encoding),) if one.encoding else ()),
    )
    shown = FileHead(
        one.size,
        Validators(etag_of(one), created_us),
        one.content_type or "application/octet-stream",
        headers,
    )
    return AsgiResponse(RangeFileResponse(shown, stored_opener(context, one)))


@router.post("/copy/{name:path}", status_code=201)
def copy(context: ResourceReader, name: Name, to: To, version: Version = None) -> Told:
    """Copy every version of a resource, or one, as the next versions of another name."""
    context.check(Role.WRITER, OfResource(checked_name(to)))
    made = context.tenant.store().copy(name, to, version)
    return _told(context, made, checked_name(to), "Copy resource")


@router.post("/move/{name:path}")
def move(context: ResourceWriter, name: Name, to: To, version: Version = None) -> Told:
    """Move every version of a resource, or one, to another name."""
    context.check(Role.WRITER, OfResource(checked_name(to)))
    made = context.tenant.store().move(name, to, version)
    return _told(context, made, checked_name(to), "Move resource")


@router.delete("/delete/{name:path}")
def delete(context: ResourceWriter, request: Request, name: Name, version: Version = None) -> Told:
    """Delete every version of a resource, or one."""
    stands_on = expected_state(context.tenant.catalog, request.headers, checked_name(name))
    with precondition_failed(stands_on):
        gone = context.tenant.store().delete(name, version, stands_on)
    return _told(context, gone, checked_name(name), "Delete resource")


@router.put("/register/{name:path}", status_code=201)
@router.post("/register/{name:path}", status_code=201)
def register(context: ResourceWriter, name: Name, body: Registration) -> Told:
    """Record what lies elsewhere as the next version of a name; nothing is copied."""
    context.external().check(body.url)
    made = context.tenant.store().register(name, body.url, _facts(name, body))
    return _told(context, [made], made.name, "Register resource")


@router.post("/fetch/{name:path}", status_code=201)
@without_slot
def fetch(context: ResourceWriter, name: Name, body: Registration) -> Told:
    """Store the bytes that a URL leads to as the next version of a name, verified."""
    store, facts = context.tenant.store(), _facts(name, body)
    with context.external().opened(body.url) as (end, path):
        made = store.take(name, end, path, facts)
    return _told(context, [made], made.name, "Fetch resource")


def _facts(name: str, body: Registration) -> UploadFacts:
    expected = trusted_hex_digests(name, body.digests)
    return UploadFacts(body.type, body.size, expected, checked_properties(body.properties))


def _told(context: Context, every: list[ResourceVersion], name: str, what: str) -> Told:
    tenant = context.tenant.name
    return reply([document(one, tenant) for one in every], name, what, tenant)
