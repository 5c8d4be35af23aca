"""Resources over HTTP, compatible with the Punch Resource Manager.

Names are paths; without a version the latest is used, or all of them by copy, move and delete.
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
from gateway.http.conditions import Validators
from gateway.http.digest_headers import repr_digest, trusted_hex_digests
from gateway.http.error_middleware import AsgiResponse
from gateway.http.file_response import FileHead, RangeFileResponse
from gateway.http.request_models import Paging, StrictModel
from gateway.http.response_headers import content_disposition
from gateway.limits.slots import without_slot
from gateway.resource_store.metadata import action_reply, document, list_entry, short_entry
from gateway.resource_store.names import checked_name
from gateway.resource_store.properties import checked_properties, properties_of
from gateway.resource_store.upload import UploadFacts
from gateway.resources.download import stored_opener
from gateway.resources.preconditions import etag_of, expected_state, precondition_failed
from gateway.resources.upload import receive

router = APIRouter(prefix="/v1/{tenant}/resources", tags=["resources"])
Name = Annotated[str, Path(description="The resource's name, a path.", max_length=1024)]
Version = Annotated[int | None, Query(ge=0, le=2**53, description="Version number, from 0.")]
Property = Annotated[
    list[str] | None, Query(description="Property of the resource as key=value; repeatable.")
]
To = Annotated[str, Query(description="The new name.", min_length=1, max_length=1024)]
Json = dict[str, Any]


class Listing(Paging):
    """Query parameters for lists of resources."""

    simplify: bool = Field(default=False, description="Return only time, name and version.")
    prefix: str = Field(default="", max_length=1024, description="Prefix of the names.")
    properties: str = Field(
        default="",
        description="Conditions on properties: k=v, k!=v, k~part, k, !k; comma means AND.",
    )
    every_version: bool = Field(default=False, description="All versions, not only the latest.")
    order: str = Field(
        default="name",
        description="Sort by name, timestamp or size; with a leading dash in descending order.",
        max_length=40,
    )
    limit: int = Field(
        default=DEFAULT_PAGE_ROWS, ge=1, le=MAX_PAGE_ROWS, description="Resources per page."
    )
    where: str = Field(
        default="",
        max_length=2000,
        description=(
            "SQL condition on path (the name), size, modified_us, sha256, content_type and "
            "properties, with AND, OR, NOT and parentheses."
        ),
    )


class Registration(StrictModel):
    """An external file."""

    url: str = Field(description="URL of the file.", min_length=1, max_length=4096)
    size: int | None = Field(default=None, ge=0, le=2**53, description="Size in bytes.")
    digests: dict[str, str] = Field(
        default_factory=dict[str, str], description="Digests in hex by algorithm."
    )
    type: str | None = Field(default=None, max_length=255, description="Content type.")
    properties: dict[str, str] = Field(
        default_factory=dict[str, str], description="Properties of the resource."
    )


class Properties(StrictModel):
    """Properties that replace those of a resource."""

    properties: dict[str, str] = Field(description="Properties of the resource.")


@router.put("/upload/{name:path}", status_code=201)
@router.post("/upload/{name:path}", status_code=201)
async def upload(
    context: ResourceWriter, request: Request, name: Name, properties: Property = None
) -> Json:
    """Store the body as the next version: the file itself, or a form with the file in `input`."""
    created = await receive(context, request, name, properties_of(properties or []))
    return _reply(context, [created], created.name, "Upload resource")


@router.get("/list")
@router.get("/")
def list_resources(context: SomeReader, query: Annotated[Listing, Query()]) -> Json:
    """List resources by page: send the response's `next` as `cursor` for the next page."""
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
    shown = [short_entry(row) if query.simplify else list_entry(row, tenant) for row in page.rows]
    response = action_reply(shown, f"{query.prefix}*", "List resources", tenant)
    return response if page.next_cursor is None else {**response, "next": page.next_cursor}


@router.get("/metadata/{name:path}")
def metadata(context: ResourceReader, name: Name, version: Version = None) -> Json:
    """Return the metadata of a resource's latest, or given, version."""
    one = context.tenant.catalog.resources.get(checked_name(name), version)
    return _reply(context, [one], one.name, "Resource metadata")


@router.get("/versions/{name:path}")
def versions(context: ResourceReader, name: Name) -> Json:
    """Return the metadata of all versions of a resource, the lowest first."""
    name = checked_name(name)
    every = context.tenant.catalog.resources.versions(name)
    return _reply(context, every, name, "Resource versions")


@router.put("/metadata/{name:path}")
def set_properties(
    context: ResourceWriter, request: Request, name: Name, body: Properties, version: Version = None
) -> Json:
    """Replace the properties of a resource's latest, or given, version."""
    catalog = context.tenant.catalog
    expected_state(catalog, request.headers, checked_name(name))
    one = catalog.resources.get(checked_name(name), version)
    catalog.resources.set_properties(one.name, one.version, checked_properties(body.properties))
    one = catalog.resources.get(one.name, one.version)
    return _reply(context, [one], one.name, "Set properties")


@router.get("/download/{name:path}", response_class=Response)
@router.head("/download/{name:path}", response_class=Response)
async def download(context: ResourceReader, name: Name, version: Version = None) -> Response:
    """Send the bytes of a resource: whole, a range, or 304 if the client has them already."""
    catalog = context.tenant.catalog
    return file_response(
        context,
        await context.gateway.run_in_thread(catalog.resources.get, checked_name(name), version),
    )


def file_response(context: Context, resource: ResourceVersion) -> Response:
    """Return a response that sends the bytes of a version."""
    created_us = int(resource.created_at.timestamp() * 1e6)
    headers = (
        ("Content-Disposition", content_disposition(resource.name)),
        ("X-Entrepot-Version", str(resource.version)),
        *((("Repr-Digest", repr_digest(resource.digest)),) if resource.digest else ()),
        *((("Content-Encoding", resource.encoding),) if resource.encoding else ()),
    )
    shown = FileHead(
        resource.size,
        Validators(etag_of(resource), created_us),
        resource.content_type or "application/octet-stream",
        headers,
    )
    return AsgiResponse(RangeFileResponse(shown, stored_opener(context, resource)))


@router.post("/copy/{name:path}", status_code=201)
def copy(context: ResourceReader, name: Name, to: To, version: Version = None) -> Json:
    """Copy all versions of a resource, or one, as the next versions of another name."""
    context.check(Role.WRITER, OfResource(checked_name(to)))
    created = context.tenant.store().copy(name, to, version)
    return _reply(context, created, checked_name(to), "Copy resource")


@router.post("/move/{name:path}")
def move(context: ResourceWriter, name: Name, to: To, version: Version = None) -> Json:
    """Move all versions of a resource, or one, to another name."""
    context.check(Role.WRITER, OfResource(checked_name(to)))
    created = context.tenant.store().move(name, to, version)
    return _reply(context, created, checked_name(to), "Move resource")


@router.delete("/delete/{name:path}")
def delete(context: ResourceWriter, request: Request, name: Name, version: Version = None) -> Json:
    """Delete all versions of a resource, or one."""
    stands_on = expected_state(context.tenant.catalog, request.headers, checked_name(name))
    with precondition_failed(stands_on):
        gone = context.tenant.store().delete(name, version, stands_on)
    return _reply(context, gone, checked_name(name), "Delete resource")


@router.put("/register/{name:path}", status_code=201)
@router.post("/register/{name:path}", status_code=201)
def register(context: ResourceWriter, name: Name, body: Registration) -> Json:
    """Record an external file as the next version of a name, without copying it."""
    context.external_urls().check(body.url)
    created = context.tenant.store().register(name, body.url, _facts(name, body))
    return _reply(context, [created], created.name, "Register resource")


@router.post("/fetch/{name:path}", status_code=201)
@without_slot
def fetch(context: ResourceWriter, name: Name, body: Registration) -> Json:
    """Fetch a URL, verify it, and store it as the next version of a name."""
    store, facts = context.tenant.store(), _facts(name, body)
    with context.external_urls().open(body.url) as (end, path):
        created = store.upload_from(name, end, path, facts)
    return _reply(context, [created], created.name, "Fetch resource")


def _facts(name: str, body: Registration) -> UploadFacts:
    expected = trusted_hex_digests(name, body.digests)
    return UploadFacts(body.type, body.size, expected, checked_properties(body.properties))


def _reply(context: Context, every: list[ResourceVersion], name: str, what: str) -> Json:
    tenant = context.tenant.name
    return action_reply([document(one, tenant) for one in every], name, what, tenant)
