"""Artifacts over HTTP, as the Punch's Artifacts Server has them: packages named by coordinates.

They are resources too: `gateway.artifact_store` says how.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from catalog.browsing import LARGEST_PAGE, PAGE
from catalog.errors import InvalidInput
from catalog.resources import ResourceFilter
from gateway.artifact_store import KEY, artifact, register_artifact, standing, store_artifacts
from gateway.context import Context, Reader, Writer
from gateway.forms import FileBegins, FileBytes, events, reader_of
from gateway.package import LARGEST, Coordinates, Described, described
from gateway.paging import Cursor
from gateway.replies import Refused
from gateway.resources import Told, sent
from gateway.strict import Strict

router = APIRouter(prefix="/v1/{tenant}/artifacts", tags=["artifacts"])
MOST = 100  # files of one form
Override = Annotated[
    bool | None, Query(description="Replace what has the same coordinates; else that is refused.")
]


class Asked(Strict):
    """Which artifacts a list has."""

    type: str = Field(default="", max_length=255, description="Only of this type.")
    group: str = Field(default="", max_length=255, description="Only of this group.")
    artifact: str = Field(default="", max_length=255, description="Only of this name.")
    version: str = Field(default="", max_length=255, description="Only of this version.")
    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE, description="Of one page.")
    cursor: Cursor = Field(default=None, description="The header X-Next-Cursor of the page before.")


@dataclass(frozen=True, slots=True)
class Form:
    """What a form held: its fields, and its files by name, each kept in an unnamed file."""

    fields: dict[str, str]
    files: list[tuple[str, IO[bytes]]] = field(default_factory=list[tuple[str, IO[bytes]]])

    def overrides(self, query: bool | None) -> bool:  # noqa: FBT001 - as the query has it
        """Say whether to replace what is there, as the query or else the form says."""
        text = self.fields.get("override", "false").strip().lower()
        if text not in ("true", "false"):
            raise InvalidInput(f"the field 'override' is {text[:40]!r}, not true or false")
        return text == "true" if query is None else query


@router.post("/upload", status_code=201)
async def upload(context: Writer, request: Request, override: Override = None) -> list[Told]:
    """Store packages: a form with zips in its fields `artifact`; all of them, or none."""
    with ExitStack() as held:
        form = await _received(context, request, "artifact", held)
        if not form.files:
            raise InvalidInput("the form has no field 'artifact' that holds a package")
        replace = form.overrides(override)
        store = context.tenant.store()
        made = await context.gateway.surely(store_artifacts, store, form.files, replace=replace)
    return [artifact(one) for one in made]


@router.post("/register", status_code=201)
async def register(context: Writer, request: Request, override: Override = None) -> Told:
    """Record a package that lies at `url`; the field `metadata` holds its metadata.yml."""
    with ExitStack() as held:
        form = await _received(context, request, "metadata", held)
        url = form.fields.get("url", "").strip()
        if len(form.files) != 1 or not url:
            raise InvalidInput("the form needs one file 'metadata' and a field 'url'")
        one = await context.gateway.thread(_described, form.files[0][1])
        replace = form.overrides(override)
        await context.gateway.thread(context.tenant.external().check, url)
        store = context.tenant.store()
        made = await context.gateway.surely(register_artifact, store, one, url, replace=replace)
    return artifact(made)


@router.get("/types")
def types(context: Reader) -> list[str]:
    """List the types that there are."""
    return context.tenant.catalog.property_values("type", having=KEY)


@router.get("/metadata")
def metadata(context: Reader, asked: Annotated[Asked, Query()]) -> Response:
    """List the metadata of artifacts; the header X-Next-Cursor tells where the next page begins."""
    named = {
        "type": asked.type,
        "group": asked.group,
        "artifact": asked.artifact,
        "version": asked.version,
    }
    if any("," in value or "\\" in value for value in named.values()):
        raise InvalidInput("no coordinate holds a comma or a backslash")
    where = ",".join([KEY, *(f"{key}={value}" for key, value in named.items() if value)])
    page = context.tenant.catalog.list_resources(
        ResourceFilter(properties=where, count=asked.limit, cursor=asked.cursor)
    )
    headers = {} if page.next_cursor is None else {"X-Next-Cursor": page.next_cursor}
    return JSONResponse([artifact(one) for one in page.rows], headers=headers)


@router.get("/download/{coordinates}", response_class=Response)
@router.head("/download/{coordinates}", response_class=Response)
async def download(
    context: Reader,
    coordinates: Annotated[str, Path(description="type:group:artifact:version", max_length=1024)],
) -> Response:
    """Send a package: whole, a range, or not where the client has it (304)."""
    named = Coordinates.parse(coordinates)
    one = await context.gateway.thread(standing, context.tenant.catalog, named)
    return sent(context, one)


def _described(file: IO[bytes]) -> Described:
    return described(file.read(LARGEST + 1))


async def _received(context: Context, request: Request, name: str, held: ExitStack) -> Form:
    """Keep the files of a form where nothing is left of them, even if we are killed."""
    reader = reader_of(request, (name,))
    if reader is None:
        raise InvalidInput("a form was expected (multipart/form-data)")
    folder = context.tenant.catalog.beside / "tmp"
    form = Form(reader.fields)
    try:
        async for event in events(request, reader):
            if isinstance(event, FileBegins):
                if len(form.files) >= MOST:
                    raise InvalidInput(f"the form has more than {MOST} files")
                kept = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - `held` closes it
                file: IO[bytes] = held.enter_context(kept)
                form.files.append((event.file_name or "", file))
            elif isinstance(event, FileBytes):
                await context.gateway.thread(form.files[-1][1].write, event.data)
    except ClientDisconnect as error:
        raise Refused(400, "the client went away before its end", kind="ClientGone") from error
    for _, file in form.files:
        file.seek(0)
    return form
