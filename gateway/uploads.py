"""Uploads in chunks over HTTP: create one, send its chunks in any order, commit it.

What came stays until the upload is committed or deleted, or nothing was added for a week.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field
from starlette.requests import ClientDisconnect

from catalog.digest import Digest
from catalog.resource_version import ResourceVersion
from gateway.chunked import ChunkStore
from gateway.chunks import About, Chunked, part_of
from gateway.context import Context, Writer
from gateway.declared import declared, trusted
from gateway.forms import FileBytes, events
from gateway.metadata import document, moment, reply
from gateway.names import checked_name
from gateway.properties import checked_properties
from gateway.ranges import Part
from gateway.replies import Refused
from gateway.strict import Strict
from gateway.tenants import Tenant
from gateway.upload import Facts

router = APIRouter(prefix="/v1/{tenant}/resources/uploads", tags=["uploads"])
Told = dict[str, Any]
Digests = Annotated[dict[str, str], Field(description="Digests of the whole, in hex by algorithm.")]


class Creation(Strict):
    """What an upload will be."""

    name: str = Field(description="The resource's name, a path.", min_length=1, max_length=1024)
    size: int = Field(ge=0, le=2**53, description="Size of the whole in bytes.")
    type: str | None = Field(default=None, max_length=255, description="Content type.")
    properties: dict[str, str] = Field(
        default_factory=dict[str, str], description="Your own words about it."
    )
    digests: Digests = Field(default_factory=dict[str, str])


class Commitment(Strict):
    """What is known only at the end."""

    digests: Digests = Field(default_factory=dict[str, str])


def chunk_store(tenant: Tenant) -> ChunkStore:
    """Return where the uploads of a tenant lie meanwhile: beside the catalog."""
    return ChunkStore(tenant.catalog.beside / "uploads" / tenant.name)


@router.post("", status_code=201)
def create(context: Writer, body: Creation, response: Response) -> Told:
    """Begin an upload of known size, whose chunks come by and by."""
    largest = context.gateway.config.limits.upload_bytes
    if largest is not None and body.size > largest:
        why = f"the upload has more than the {largest} bytes that are allowed"
        raise Refused(413, why, kind="BodyTooLarge")
    name = checked_name(body.name)
    Facts(content_type=body.type)  # refuses what no header can carry
    about = About(
        name,
        body.size,
        body.type,
        checked_properties(body.properties),
        tuple(str(one) for one in trusted(name, body.digests)),
    )
    made = _shown(chunk_store(context.tenant).create(about), context)
    response.headers["Location"] = made["url"]
    return made


@router.get("")
def list_uploads(context: Writer) -> Told:
    """List the uploads that are under way, the oldest first."""
    return {"uploads": [_shown(one, context) for one in chunk_store(context.tenant).every()]}


@router.get("/{upload_id}")
def get(context: Writer, upload_id: str) -> Told:
    """Show an upload: which chunks came, and which bytes are missing."""
    return _shown(chunk_store(context.tenant).get(upload_id), context)


@router.put("/{upload_id}")
async def put(context: Writer, upload_id: str, request: Request) -> Told:
    """Store a chunk: its place is in Content-Range; a digest of it may stand in a header."""
    thread, store = context.gateway.thread, chunk_store(context.tenant)
    about = (await thread(store.get, upload_id)).about
    part = part_of(request.headers.get("content-range"), about.size)
    length = request.headers.get("content-length")
    if length is not None and length != str(part.length):
        raise Refused(400, f"the chunk has {length} bytes, its range {part.length}")
    expected = declared(request.headers, name="the chunk")
    held = store.writing(upload_id, part, expected)
    writer = await thread(held.__enter__)
    try:
        async for event in events(request, None):
            if isinstance(event, FileBytes):
                await thread(writer.write, event.data)
        await context.gateway.surely(writer.finish)
    except ClientDisconnect as error:
        raise Refused(400, "the client went away before its end", kind="ClientGone") from error
    finally:
        await context.gateway.surely(held.__exit__, None, None, None)
    return {"id": upload_id, **_part(part)}


@router.post("/{upload_id}/commit", status_code=201)
def commit(
    context: Writer, upload_id: str, body: Annotated[Commitment | None, Body()] = None
) -> Told:
    """Make the chunks the next version of the resource; the upload is then gone."""
    store = chunk_store(context.tenant)
    with store.committing(upload_id) as one:
        digests = body.digests if body is not None else {}
        made = _stored(context, store, one, digests)
    tenant = context.tenant.name
    return reply([document(made, tenant)], made.name, "Upload resource", tenant)


@router.delete("/{upload_id}", status_code=204)
def delete(context: Writer, upload_id: str) -> None:
    """Give an upload up; what came of it is removed."""
    chunk_store(context.tenant).delete(upload_id)


def _stored(
    context: Context, store: ChunkStore, one: Chunked, digests: dict[str, str]
) -> ResourceVersion:
    about = one.about
    expected = (
        *(Digest.parse(each) for each in about.digests),
        *trusted(about.name, digests),
    )
    facts = Facts(about.content_type, about.size, tuple(dict.fromkeys(expected)), about.properties)
    with context.tenant.store().begin(about.name, facts) as upload:
        for block in store.blocks(one):
            context.gateway.stop.check()
            upload.write(block)
        return upload.finish()


def _shown(one: Chunked, context: Context) -> Told:
    """Return an upload as JSON."""
    about = one.about
    return {
        "id": one.upload_id,
        "url": f"/v1/{context.tenant.name}/resources/uploads/{one.upload_id}",
        "name": about.name,
        "size": about.size,
        "type": about.content_type,
        "properties": dict(about.properties),
        "digests": dict(each.split(":") for each in about.digests),
        "created": moment(one.created_at),
        "chunks": [_part(part) for part in one.parts],
        "missing": [_part(part) for part in one.missing],
    }


def _part(part: Part) -> Told:
    return {"start": part.start, "end": part.stop - 1, "size": part.length}
