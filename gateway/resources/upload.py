"""Receives an upload into a resource store: streamed and verified, or discarded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request

from catalog.errors import InvalidInput
from catalog.model.resource_version import ResourceVersion
from gateway.access.context import Context
from gateway.http.digest_headers import declared_digests
from gateway.http.errors import RequestRefused
from gateway.http.multipart import FileBegins, FileBytes, FormReader, events, form_reader
from gateway.resource_store.names import checked_name
from gateway.resource_store.properties import checked_properties
from gateway.resource_store.upload import Upload, UploadFacts
from gateway.resources.preconditions import expected_state, precondition_failed


async def receive(
    context: Context, request: Request, name: str, properties: Mapping[str, str]
) -> ResourceVersion:
    """Store the body of a request as the next version of a name.

    Raises:
        InvalidInput: the name, the form or a declared digest is invalid.
        IntegrityError: the content does not match the declared size or digests.
        Refused: the client disconnected.
    """
    if "content-range" in request.headers:  # RFC 9110, 14.5: a part must not become the whole file
        raise RequestRefused(
            400, "Content-Range is not supported here: use a chunked upload to send parts"
        )
    reader = form_reader(request)
    catalog = context.tenant.catalog
    stands_on = await context.gateway.run_in_thread(
        expected_state, catalog, request.headers, checked_name(name)
    )
    upload: Upload | None = None
    created: ResourceVersion | None = None
    try:
        async for event in events(request, reader):
            if isinstance(event, FileBegins):
                if created is not None or upload is not None:
                    raise InvalidInput("the form contains more than one file")
                facts = _facts(request, event.content_type, event.fields, properties, reader)
                store = await context.gateway.run_in_thread(context.tenant.store)
                upload = await context.gateway.run_in_thread(store.begin, name, facts)
            elif isinstance(event, FileBytes) and upload is not None:
                await context.gateway.run_in_thread(upload.write, event.data)
        if upload is None:
            raise InvalidInput("the form has no field 'input' with the file")
        last = _facts(request, upload.facts.content_type, _fields(reader), properties, reader)
        with precondition_failed(stands_on):
            created = await context.gateway.run_shielded(upload.finish, last, stands_on=stands_on)
        return created  # noqa: TRY300 - `finally` looks at it
    except ClientDisconnect as error:
        raise RequestRefused(
            400, "the client disconnected during the upload", kind="ClientGone"
        ) from error
    finally:
        if upload is not None and created is None:
            await context.gateway.run_shielded(upload.abort)


def _fields(reader: FormReader | None) -> Mapping[str, str]:
    return {} if reader is None else reader.fields


def _facts(
    request: Request,
    content_type: str | None,
    fields: Mapping[str, str],
    properties: Mapping[str, str],
    reader: FormReader | None,
) -> UploadFacts:
    """Return the facts about a file from headers, query and the form fields so far."""
    size = request.headers.get("content-length") if reader is None else fields.get("size")
    facts = UploadFacts(
        content_type=content_type or None,
        size=_parse_size(size),
        expected=declared_digests(request.headers if reader is None else {}, fields),
        properties=checked_properties({**properties, **_form_properties(fields)}),
        encoding=fields.get("encoding") or None,
        compression=fields.get("compression") or None,
        data=fields.get("data") or None,
    )
    if reader is None:
        return replace(facts, encoding=request.headers.get("content-encoding") or None)
    return facts


def _parse_size(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput(f"the size {text[:40]!r} is not a number of bytes")
    return int(text)


def _form_properties(fields: Mapping[str, str]) -> Mapping[str, str]:
    text = fields.get("properties")
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the field 'properties' must be a JSON object") from error
    if not isinstance(found, dict):
        raise InvalidInput("the field 'properties' must be a JSON object")
    return {
        str(key): one if isinstance(one, str) else json.dumps(one) for key, one in found.items()
    }
