"""Resources over HTTP: what the Punch Resource Manager does, under its paths and in its words.

Names are paths; the last uploaded version is meant where none is given, and every one of them by
copy, move and delete.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from catalog.browsing import LARGEST_PAGE, PAGE
from catalog.resource_version import ResourceVersion
from catalog.resources import ResourceFilter
from gateway.app_response import AppResponse
from gateway.conditions import Validators
from gateway.context import Context, Reader, Writer
from gateway.declared import repr_digest, trusted
from gateway.metadata import document, listed, reply, simple
from gateway.names import checked_name, disposition
from gateway.paging import Paging
from gateway.properties import checked_properties, properties_of
from gateway.receiving import receive
from gateway.sending import Sending, Shown
from gateway.stored import stored_opener
from gateway.strict import Strict
from gateway.upload import Facts

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
    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE, description="Of one page.")
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
    context: Writer, request: Request, name: Name, properties: Property = None
) -> Told:
    """Store the body as the next version: a form whose field `input` is the file, or the file."""
    made = await receive(context, request, name, properties_of(properties or []))
    return _told(context, [made], made.name, "Upload resource")


@router.get("/list")
@router.get("/")
def list_resources(context: Reader, query: Annotated[Listing, Query()]) -> Told:
    """List resources, a page at a time: ask again with the reply's `next` as `cursor`."""
    where = ResourceFilter(
        query.prefix,
        query.properties,
        query.every_version,
        query.order,
        query.limit,
        query.cursor,
        query.where,
    )
    page = context.tenant.catalog.list_resources(where)
    tenant = context.tenant.name
    shown = [simple(one) if query.simplify else listed(one, tenant) for one in page.rows]
    told = reply(shown, f"{query.prefix}*", "List resources", tenant)
    return told if page.next_cursor is None else {**told, "next": page.next_cursor}


@router.get("/metadata/{name:path}")
def metadata(context: Reader, name: Name, version: Version = None) -> Told:
    """Return the metadata of a resource: of its latest version, or of the one named."""
    one = context.tenant.catalog.resource(checked_name(name), version)
    return _told(context, [one], one.name, "Resource metadata")


@router.get("/versions/{name:path}")
def versions(context: Reader, name: Name) -> Told:
    """Return the metadata of every version of a resource, the lowest first."""
    name = checked_name(name)
    every = context.tenant.catalog.resource_versions(name)
    return _told(context, every, name, "Resource versions")


@router.put("/metadata/{name:path}")
def set_properties(context: Writer, name: Name, body: Properties, version: Version = None) -> Told:
    """Replace the properties of a resource: of its latest version, or of the one named."""
    catalog = context.tenant.catalog
    one = catalog.resource(checked_name(name), version)
    catalog.set_properties(one.name, one.version, checked_properties(body.properties))
    one = catalog.resource(one.name, one.version)
    return _told(context, [one], one.name, "Set properties")


@router.get("/download/{name:path}", response_class=Response)
@router.head("/download/{name:path}", response_class=Response)
async def download(context: Reader, name: Name, version: Version = None) -> Response:
    """Send the bytes of a resource: whole, a range, or not where the client has them (304)."""
    catalog = context.tenant.catalog
    return sent(
        context, await context.gateway.thread(catalog.resource, checked_name(name), version)
    )


def sent(context: Context, one: ResourceVersion) -> Response:
    """Return what sends the bytes of a version."""
    # What lies elsewhere, without a digest, may change: its tag is weak, and never names bytes.
    unproven = hashlib.sha256(f"{one.name}\x1f{one.version}".encode()).hexdigest()[:32]
    etag = f'W/"{unproven}"' if one.digest is None else f'"{one.digest}"'
    created_us = int(one.created_at.timestamp() * 1e6)
    headers = (
        ("Content-Disposition", disposition(one.name)),
        ("X-Entrepot-Version", str(one.version)),
        *((("Repr-Digest", repr_digest(one.digest)),) if one.digest else ()),
        *((("Content-Encoding", one.encoding),) if one.encoding else ()),
    )
    shown = Shown(
        one.size,
        Validators(etag, created_us),
        one.content_type or "application/octet-stream",
        headers,
    )
    return AppResponse(Sending(shown, stored_opener(context, one)))


@router.post("/copy/{name:path}", status_code=201)
def copy(context: Writer, name: Name, to: To, version: Version = None) -> Told:
    """Copy every version of a resource, or one, as the next versions of another name."""
    made = context.tenant.store().copy(name, to, version)
    return _told(context, made, checked_name(to), "Copy resource")


@router.post("/move/{name:path}")
def move(context: Writer, name: Name, to: To, version: Version = None) -> Told:
    """Move every version of a resource, or one, to another name."""
    made = context.tenant.store().move(name, to, version)
    return _told(context, made, checked_name(to), "Move resource")


@router.delete("/delete/{name:path}")
def delete(context: Writer, name: Name, version: Version = None) -> Told:
    """Delete every version of a resource, or one."""
    gone = context.tenant.store().delete(name, version)
    return _told(context, gone, checked_name(name), "Delete resource")


@router.put("/register/{name:path}", status_code=201)
@router.post("/register/{name:path}", status_code=201)
def register(context: Writer, name: Name, body: Registration) -> Told:
    """Record what lies elsewhere as the next version of a name; nothing is copied."""
    context.tenant.external().check(body.url)
    made = context.tenant.store().register(name, body.url, _facts(name, body))
    return _told(context, [made], made.name, "Register resource")


@router.post("/fetch/{name:path}", status_code=201)
def fetch(context: Writer, name: Name, body: Registration) -> Told:
    """Store the bytes that a URL leads to as the next version of a name, verified."""
    store, facts = context.tenant.store(), _facts(name, body)
    with context.tenant.external().opened(body.url) as (end, path):
        made = store.take(name, end, path, facts)
    return _told(context, [made], made.name, "Fetch resource")


def _facts(name: str, body: Registration) -> Facts:
    expected = trusted(name, body.digests)
    return Facts(body.type, body.size, expected, checked_properties(body.properties))


def _told(context: Context, every: list[ResourceVersion], name: str, what: str) -> Told:
    tenant = context.tenant.name
    return reply([document(one, tenant) for one in every], name, what, tenant)
