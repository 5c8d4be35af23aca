"""Chunked uploads over HTTP: create one, send its chunks in any order, commit it.

Chunks are kept until the upload is committed or deleted, or has no new chunks for a week.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field
from starlette.requests import ClientDisconnect

from catalog.access.grants import OfResource, Role
from catalog.errors import ContentConflict, NotRecorded
from catalog.model.digest import Digest
from catalog.model.resource_version import ResourceVersion
from gateway.access.authorization import SomeWriter
from gateway.access.context import Context
from gateway.access.tenants import Tenant
from gateway.http.digest_headers import declared_digests, trusted_hex_digests
from gateway.http.errors import RequestRefused
from gateway.http.multipart import FileBytes, events
from gateway.http.range_header import ByteRange
from gateway.http.request_models import StrictModel
from gateway.limits.slots import without_slot
from gateway.resource_store.chunk_store import ChunkStore
from gateway.resource_store.chunks import ChunkedUpload, UploadSpec, parse_content_range
from gateway.resource_store.metadata import action_reply, document, format_time
from gateway.resource_store.names import checked_name
from gateway.resource_store.properties import checked_properties
from gateway.resource_store.upload import UploadFacts

router = APIRouter(prefix="/v1/{tenant}/resources/uploads", tags=["uploads"])
Json = dict[str, Any]
Digests = Annotated[
    dict[str, str], Field(description="Digests of the complete file, in hex by algorithm.")
]


class Creation(StrictModel):
    """A new upload."""

    name: str = Field(description="The resource's name, a path.", min_length=1, max_length=1024)
    size: int = Field(ge=0, le=2**53, description="Size of the complete file in bytes.")
    type: str | None = Field(default=None, max_length=255, description="Content type.")
    properties: dict[str, str] = Field(
        default_factory=dict[str, str], description="Properties of the resource."
    )
    digests: Digests = Field(default_factory=dict[str, str])


class Commitment(StrictModel):
    """Facts known only at the end."""

    digests: Digests = Field(default_factory=dict[str, str])


def chunk_store(tenant: Tenant) -> ChunkStore:
    """Return the store of a tenant's uploads, which is next to the catalog."""
    return ChunkStore(tenant.catalog.folder / "uploads" / tenant.name)


@router.post("", status_code=201)
def create(context: SomeWriter, body: Creation, response: Response) -> Json:
    """Create an upload of known size."""
    largest = context.gateway.config.limits.upload_bytes
    if largest is not None and body.size > largest:
        why = f"the upload is larger than the {largest:,} bytes that are allowed"
        raise RequestRefused(413, why, kind="BodyTooLarge")
    name = checked_name(body.name)
    context.check(Role.WRITER, OfResource(name))
    UploadFacts(content_type=body.type)  # refuses values that cannot be sent as a header
    about = UploadSpec(
        name,
        body.size,
        body.type,
        checked_properties(body.properties),
        tuple(str(one) for one in trusted_hex_digests(name, body.digests)),
    )
    created = _upload_json(chunk_store(context.tenant).create(about), context)
    response.headers["Location"] = created["url"]
    return created


@router.get("")
def list_uploads(context: SomeWriter) -> Json:
    """List the current uploads, the oldest first."""
    every = chunk_store(context.tenant).list_uploads()
    return {
        "uploads": [_upload_json(one, context) for one in every if _is_own(context, one.about.name)]
    }


@router.get("/{upload_id}")
def get(context: SomeWriter, upload_id: str) -> Json:
    """Return an upload: its received chunks, and the missing bytes."""
    return _upload_json(_get_own(context, chunk_store(context.tenant), upload_id), context)


@router.put("/{upload_id}")
async def put(context: SomeWriter, upload_id: str, request: Request) -> Json:
    """Store a chunk: its range is in Content-Range; its digest may be in a header."""
    thread, store = context.gateway.run_in_thread, chunk_store(context.tenant)
    about = (await thread(_get_own, context, store, upload_id)).about
    part = parse_content_range(request.headers.get("content-range"), about.size)
    length = request.headers.get("content-length")
    if length is not None and length != str(part.length):
        raise RequestRefused(
            400, f"the chunk has {length} bytes, but its Content-Range has {part.length}"
        )
    expected = declared_digests(request.headers, name="the chunk")
    held = store.open_chunk(upload_id, part, expected)
    writer = await thread(held.__enter__)
    try:
        async for event in events(request, None):
            if isinstance(event, FileBytes):
                await thread(writer.write, event.data)
        await context.gateway.run_shielded(writer.finish)
    except ClientDisconnect as error:
        raise RequestRefused(
            400, "the client disconnected during the upload", kind="ClientGone"
        ) from error
    finally:
        await context.gateway.run_shielded(held.__exit__, None, None, None)
    return {"id": upload_id, **_part_json(part)}


@router.post("/{upload_id}/commit", status_code=201)
@without_slot
def commit(
    context: SomeWriter, upload_id: str, body: Annotated[Commitment | None, Body()] = None
) -> Json:
    """Store the chunks as the next version of the resource, and delete the upload."""
    store = chunk_store(context.tenant)
    created = _earlier_commit(context, store, upload_id)
    if created is None:
        _get_own(context, store, upload_id)
        with store.take_complete(upload_id) as one:
            created = _earlier_commit(context, store, upload_id)  # by a concurrent request
            if created is None:
                digests = body.digests if body is not None else {}
                created = _store_chunks(context, store, one, digests)
    tenant = context.tenant.name
    return action_reply([document(created, tenant)], created.name, "Upload resource", tenant)


@router.delete("/{upload_id}", status_code=204)
def delete(context: SomeWriter, upload_id: str) -> None:
    """Delete an upload and its chunks."""
    store = chunk_store(context.tenant)
    _get_own(context, store, upload_id)
    store.delete(upload_id)


def _is_own(context: Context, name: str) -> bool:
    return context.caller.may(Role.WRITER, OfResource(name))


def _get_own(context: Context, store: ChunkStore, upload_id: str) -> ChunkedUpload:
    """Return an upload; raise `NotRecorded` if the caller may not write its name."""
    one = store.get(upload_id)
    if not _is_own(context, one.about.name):
        raise NotRecorded("upload", upload_id)
    return one


def _earlier_commit(context: Context, store: ChunkStore, upload_id: str) -> ResourceVersion | None:
    """Return the version of an earlier commit, whose response may have been lost."""
    noted = store.recorded_commit(upload_id)
    if noted is None or not _is_own(context, noted["name"]):
        return None
    try:
        found = context.tenant.catalog.resources.get(noted["name"], noted["version"])
    except NotRecorded:
        return None  # killed before it was recorded, or deleted since
    if (found.digest, found.path) != (noted["digest"], noted["path"]):
        return None
    with suppress(NotRecorded, ContentConflict):
        store.delete(upload_id)  # if the earlier commit was killed before that
    return found


def _store_chunks(
    context: Context, store: ChunkStore, one: ChunkedUpload, digests: dict[str, str]
) -> ResourceVersion:
    about = one.about
    expected = (
        *(Digest.parse(each) for each in about.digests),
        *trusted_hex_digests(about.name, digests),
    )
    facts = UploadFacts(
        about.content_type, about.size, tuple(dict.fromkeys(expected)), about.properties
    )
    with context.tenant.store().begin(about.name, facts) as upload:
        for block in store.blocks(one):
            context.gateway.stop.check()
            upload.write(block)
        return upload.finish(
            before=lambda created: store.record_commit(one.upload_id, _commit_record(created))
        )


def _commit_record(created: ResourceVersion) -> dict[str, object]:
    return {
        "name": created.name,
        "version": created.version,
        "digest": created.digest,
        "path": created.path,
    }


def _upload_json(upload: ChunkedUpload, context: Context) -> Json:
    """Return an upload as JSON."""
    about = upload.about
    return {
        "id": upload.upload_id,
        "url": f"/v1/{context.tenant.name}/resources/uploads/{upload.upload_id}",
        "name": about.name,
        "size": about.size,
        "type": about.content_type,
        "properties": dict(about.properties),
        "digests": dict(each.split(":") for each in about.digests),
        "created": format_time(upload.created_at),
        "chunks": [_part_json(part) for part in upload.parts],
        "missing": [_part_json(part) for part in upload.missing],
    }


def _part_json(part: ByteRange) -> Json:
    return {"start": part.start, "end": part.stop - 1, "size": part.length}
