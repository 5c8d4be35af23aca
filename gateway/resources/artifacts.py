"""Artifacts over HTTP, compatible with the Punch's Artifacts Server: packages with coordinates.

They are stored as resources: see `gateway.resource_store.artifacts`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from catalog.access.grants import OfResource, Role
from catalog.errors import InvalidInput
from catalog.queries.paging import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS
from catalog.queries.resources.lists import ResourceFilter
from gateway.access.authorization import SomeReader, SomeWriter
from gateway.access.context import Context
from gateway.http.errors import RequestRefused
from gateway.http.multipart import FileBegins, FileBytes, events, form_reader
from gateway.http.request_models import Cursor, StrictModel
from gateway.resource_store.artifacts import (
    KEY,
    artifact_document,
    find_artifact,
    register_artifact,
    store_artifacts,
)
from gateway.resource_store.packages import (
    MAX_METADATA,
    Coordinates,
    PackageMetadata,
    parse_metadata,
)
from gateway.resources.routes import Json, file_response

router = APIRouter(prefix="/v1/{tenant}/artifacts", tags=["artifacts"])
MAX_FILES = 100  # per form
Override = Annotated[
    bool | None,
    Query(description="Replace an artifact with the same coordinates; by default an error."),
]


class ArtifactQuery(StrictModel):
    """Query parameters for lists of artifacts."""

    type: str = Field(default="", max_length=255, description="Only artifacts of this type.")
    group: str = Field(default="", max_length=255, description="Only artifacts of this group.")
    artifact: str = Field(default="", max_length=255, description="Only artifacts of this name.")
    version: str = Field(default="", max_length=255, description="Only artifacts of this version.")
    limit: int = Field(
        default=DEFAULT_PAGE_ROWS, ge=1, le=MAX_PAGE_ROWS, description="Artifacts per page."
    )
    cursor: Cursor = Field(default=None, description="X-Next-Cursor header of the previous page.")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, and its files by name, each in an unnamed temporary file."""

    fields: dict[str, str]
    files: list[tuple[str, IO[bytes]]] = field(default_factory=list[tuple[str, IO[bytes]]])

    def is_override(self, query: bool | None) -> bool:  # noqa: FBT001 - as the query has it
        """Return whether to replace existing artifacts, by the query, or else the form."""
        text = self.fields.get("override", "false").strip().lower()
        if text not in ("true", "false"):
            raise InvalidInput(f"the field 'override' must be true or false, not {text[:40]!r}")
        return text == "true" if query is None else query


@router.post("/upload", status_code=201)
async def upload(context: SomeWriter, request: Request, override: Override = None) -> list[Json]:
    """Store packages: a form with zip files in fields `artifact`; all of them, or none."""
    with ExitStack() as held:
        form = await _receive_form(context, request, "artifact", held)
        if not form.files:
            raise InvalidInput("the form has no field 'artifact' with a package")
        replace = form.is_override(override)
        store = context.tenant.store()
        created = await context.gateway.run_shielded(
            store_artifacts, store, form.files, _check_writer(context), replace=replace
        )
    return [artifact_document(one) for one in created]


@router.post("/register", status_code=201)
async def register(context: SomeWriter, request: Request, override: Override = None) -> Json:
    """Record an external package at the field `url`, with its metadata.yml in `metadata`."""
    with ExitStack() as held:
        form = await _receive_form(context, request, "metadata", held)
        url = form.fields.get("url", "").strip()
        if len(form.files) != 1 or not url:
            raise InvalidInput("the form must have one file 'metadata' and a field 'url'")
        one = await context.gateway.run_in_thread(_read_metadata, form.files[0][1])
        replace = form.is_override(override)
        _check_writer(context)(one.coordinates)
        await context.gateway.run_in_thread(lambda: context.external_urls().check(url))
        store = context.tenant.store()
        created = await context.gateway.run_shielded(
            register_artifact, store, one, url, replace=replace
        )
    return artifact_document(created)


@router.get("/types")
def types(context: SomeReader) -> list[str]:
    """List the types of artifacts."""
    within = context.caller.prefixes(Role.READER)
    return context.tenant.catalog.resources.property_values("type", having=KEY, within=within)


@router.get("/metadata")
def metadata(context: SomeReader, asked: Annotated[ArtifactQuery, Query()]) -> Response:
    """List the metadata of artifacts; the header X-Next-Cursor is the cursor of the next page."""
    named = {
        "type": asked.type,
        "group": asked.group,
        "artifact": asked.artifact,
        "version": asked.version,
    }
    if any("," in value or "\\" in value for value in named.values()):
        raise InvalidInput("coordinates must not contain a comma or a backslash")
    where = ",".join([KEY, *(f"{key}={value}" for key, value in named.items() if value)])
    page = context.tenant.catalog.resources.page(
        ResourceFilter(
            properties=where,
            count=asked.limit,
            cursor=asked.cursor,
            within=context.caller.prefixes(Role.READER),
        )
    )
    headers = {} if page.next_cursor is None else {"X-Next-Cursor": page.next_cursor}
    return JSONResponse([artifact_document(row) for row in page.rows], headers=headers)


@router.get("/download/{coordinates}", response_class=Response)
@router.head("/download/{coordinates}", response_class=Response)
async def download(
    context: SomeReader,
    coordinates: Annotated[str, Path(description="type:group:artifact:version", max_length=1024)],
) -> Response:
    """Send a package: whole, a range, or 304 if the client has it already."""
    named = Coordinates.parse(coordinates)
    context.check(Role.READER, OfResource(named.path))
    one = await context.gateway.run_in_thread(find_artifact, context.tenant.catalog, named)
    return file_response(context, one)


def _check_writer(context: Context) -> Callable[[Coordinates], None]:
    """Return a check that the caller may write the folder of some coordinates."""
    return lambda named: context.check(Role.WRITER, OfResource(named.path))


def _read_metadata(file: IO[bytes]) -> PackageMetadata:
    return parse_metadata(file.read(MAX_METADATA + 1))


async def _receive_form(context: Context, request: Request, name: str, held: ExitStack) -> Form:
    """Receive a form; its files are in unnamed temporary files, which never remain."""
    reader = form_reader(request, (name,))
    if reader is None:
        raise InvalidInput("expected a form (multipart/form-data)")
    folder = context.tenant.catalog.folder / "tmp"
    form = Form(reader.fields)
    try:
        async for event in events(request, reader):
            if isinstance(event, FileBegins):
                if len(form.files) >= MAX_FILES:
                    raise InvalidInput(f"the form has more than {MAX_FILES} files")
                kept = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - `held` closes it
                file: IO[bytes] = held.enter_context(kept)
                form.files.append((event.file_name or "", file))
            elif isinstance(event, FileBytes):
                await context.gateway.run_in_thread(form.files[-1][1].write, event.data)
    except ClientDisconnect as error:
        raise RequestRefused(
            400, "the client disconnected during the upload", kind="ClientGone"
        ) from error
    for _, file in form.files:
        file.seek(0)
    return form
