"""Content over HTTP: `/content/{tenant}/{repository}[@version or time]/{path}`.

Plain ASGI routes, without FastAPI's overhead, because these are the most frequent requests.
"""

from __future__ import annotations

import mimetypes
import time
from dataclasses import replace
from hashlib import sha256
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from catalog.access.grants import OfRepository, Role
from catalog.errors import StorageError
from catalog.model.resource import Resource
from catalog.model.version import ContentRow
from gateway.access.context import Gateway
from gateway.access.tenants import ServedRepository, Tenant
from gateway.content.directory_index import folder_page, tenant_page
from gateway.content.manifest_response import manifest_reply
from gateway.content.path_lookup import (
    File,
    Folder,
    FolderRedirect,
    Lookup,
    Manifest,
    UpstreamPath,
    VersionSelector,
    look_up,
    parse_version_selector,
)
from gateway.content.sources import with_size
from gateway.content.streamer import Streamer
from gateway.http.conditions import Validators
from gateway.http.digest_headers import repr_digest
from gateway.http.error_middleware import AsgiResponse
from gateway.http.errors import RequestRefused
from gateway.http.file_response import FileHead, RangeFileResponse, Receive, Scope, Send
from gateway.http.path_convertor import ANY
from gateway.http.response_headers import Access
from gateway.limits.slots import set_tenant

CHANGING = "public, max-age=0, must-revalidate"
FOREVER = "public, max-age=31536000, immutable"


ROUTE = "/content/{tenant}/{repository}/{path}"
"""The route's name in metrics."""


async def not_found(_: Scope, __: Receive, ___: Send) -> None:
    """Respond to an unknown path."""
    raise RequestRefused(404, "the file does not exist", kind="NotFound")


class Content:
    """The routes of content."""

    def __init__(self, gateway: Gateway, streamer: Streamer) -> None:
        """Serve what `streamer` opens."""
        self._gateway, self._streamer = gateway, streamer

    def routes(self) -> list[BaseRoute]:
        """Return the routes, the most frequent first."""
        methods = ["GET", "HEAD"]
        return [
            Route(f"/content/{{tenant}}/{{repository}}/{{path:{ANY}}}", self.path, methods=methods),
            Route("/content/{tenant}/{repository}", self.redirect_to_folder, methods=methods),
            Route("/content/{tenant}/", self.tenant, methods=methods),
        ]

    async def tenant(self, request: Request) -> Response:
        """List the repositories of a tenant."""
        caller = await self._gateway.authenticate(request.scope, request.path_params["tenant"])
        caller.check_somewhere(Role.READER)
        own, tenant = caller.repositories(Role.READER), self._gateway.tenants[caller.tenant]
        every = await self._gateway.run_in_thread(tenant.names)
        config = tenant.config.repositories
        shown = [
            one
            for one in every
            if (own is None or one in own) and (config is None or config[one].listing)
        ]
        return tenant_page(f"/content/{tenant.name}/", shown, request.headers.get("accept", ""))

    async def redirect_to_folder(self, request: Request) -> Response:
        """Redirect from a repository's name to its root."""
        await self._authorize(request)
        return _redirect_to_folder(request)

    async def path(self, request: Request) -> Response:
        """Send a file, list a folder, or redirect to it."""
        request.scope["entrepot.route"] = ROUTE
        tenant = await self._authorize(request)
        name, _, text = request.path_params["repository"].partition("@")
        at = parse_version_selector(text)
        path: str = request.path_params["path"]
        served, given = await self._look_up(tenant, name, at, path)
        return await self._respond(request, tenant, served, at, given)

    async def _authorize(self, request: Request) -> Tenant:
        """Return the tenant, if the request's token or link may read its content."""
        name = request.path_params["tenant"]
        repository = request.path_params["repository"].partition("@")[0]
        if "signature" in request.query_params:
            path, query = request.scope["path"], request.query_params
            request.scope["entrepot.access"] = Access.LINK
            key = self._gateway.links.current()
            maker = None if key is None else key.verify(path, query, time.time())
            if maker is not None and self._gateway.authenticator.may_maker_read(
                name, maker, repository
            ):
                set_tenant(name)
                return self._gateway.tenants[name]
            raise RequestRefused(403, "the link is invalid or expired", kind="LinkRefused")
        caller = await self._gateway.authenticate(request.scope, name)
        caller.check(Role.READER, OfRepository(repository))
        return self._gateway.tenants[name]

    async def _look_up(
        self, tenant: Tenant, name: str, at: VersionSelector, path: str
    ) -> tuple[ServedRepository, Lookup]:
        served = tenant.cached_served(name)
        key = (tenant.name, name, at, path)
        if served is not None and (known := self._streamer.lookups.get(key)) is not None:
            return served, known

        def ask() -> tuple[ServedRepository, Lookup]:
            found = tenant.served(name)
            lookups = self._streamer.lookups
            if at.moment is not None:  # not cached: the result depends on the current time
                return found, look_up(tenant.catalog, found, at, path)
            return found, lookups.compute(key, lambda: look_up(tenant.catalog, found, at, path))

        if path and not path.endswith("/"):
            return await self._gateway.run_in_thread(ask)
        async with self._gateway.slots.slot(tenant.name):  # a folder may have very many entries
            return await self._gateway.run_in_thread(ask)

    async def _respond(
        self,
        request: Request,
        tenant: Tenant,
        served: ServedRepository,
        at: VersionSelector,
        given: Lookup,
    ) -> Response:
        if isinstance(given, File):
            return await self._file_response(tenant, served, at, given)
        if isinstance(given, Folder):
            title = f"/content/{tenant.name}/{request.path_params['repository']}/{given.path}"
            accept = request.headers.get("accept", "")
            shown = await self._gateway.run_in_thread(
                folder_page, title, given.entries, accept, above=True
            )
            shown.headers["X-Entrepot-Version"] = str(given.version)
            return shown
        if isinstance(given, FolderRedirect):
            return _redirect_to_folder(request)
        if isinstance(given, Manifest):
            async with self._gateway.slots.slot(tenant.name):
                shown = await self._gateway.run_in_thread(
                    manifest_reply, request, tenant.catalog, served, given.version
                )
            shown.headers["Cache-Control"] = CHANGING
            return shown
        if isinstance(given, UpstreamPath):
            return await self._upstream_response(tenant, served, given.path)
        raise RequestRefused(404, "the file does not exist", kind="NotFound")

    async def _file_response(
        self, tenant: Tenant, served: ServedRepository, at: VersionSelector, given: File
    ) -> Response:
        found = given.found
        etag = etag_of(found.row)
        if found.row.size is None and found.origin is not None:
            found = await self._gateway.run_in_thread(with_size, tenant, served, found)
        row = found.row
        if served.config.redirect and (link := await self._signed_link(tenant, served, given)):
            return RedirectResponse(link, 302, headers={"Cache-Control": "no-store"})
        fixed = at.number is not None and row.digest is not None
        headers = [("Cache-Control", FOREVER if fixed else CHANGING)]
        if given.version is not None:
            headers.append(("X-Entrepot-Version", str(given.version)))
        if row.digest is not None:
            headers.append(("Repr-Digest", repr_digest(row.digest)))
        kind = row.content_type or mimetypes.guess_type(row.path)[0] or "application/octet-stream"
        shown = FileHead(row.size, Validators(etag, row.modified_us), kind, tuple(headers))
        opener = self._streamer.opener(tenant, served, found)
        return AsgiResponse(RangeFileResponse(shown, opener))

    async def _signed_link(
        self, tenant: Tenant, served: ServedRepository, given: File
    ) -> str | None:
        """Return a signed link to a stored file, if its storage supports it."""
        return await self._gateway.run_in_thread(
            self._streamer.signed_link, tenant, served, given.found
        )

    async def _upstream_response(
        self, tenant: Tenant, served: ServedRepository, path: str
    ) -> Response:
        try:
            fetch, opener = await self._streamer.fetch_upstream(tenant, served, path)
        except StorageError as error:
            if error.status is not None and 400 <= error.status < 500:
                message = f"the upstream responded with status {error.status} for {path!r}"
                raise RequestRefused(error.status, message, kind="Upstream") from error
            raise
        resource = fetch.resource or Resource(path)
        size = fetch.released if fetch.ended else resource.size
        row = ContentRow(path, size, resource.etag, resource.modified_us, None, None, None)
        if fetch.ended and fetch.error is None:
            row = replace(row, digest=fetch.sha256)
        kind = resource.content_type or mimetypes.guess_type(path)[0]
        shown = FileHead(
            size,
            Validators(etag_of(row), row.modified_us),
            kind or "application/octet-stream",
            (("Cache-Control", CHANGING),),
        )
        return AsgiResponse(RangeFileResponse(shown, opener))


def etag_of(row: ContentRow) -> str:
    """Return the etag of a row, which is the same before and after it is fetched.

    >>> etag_of(ContentRow("a", 3, None, None, "ab" * 32, None, None))[:5]
    '"abab'
    """
    if row.digest is not None:
        return f'"{row.digest}"'
    text = f"{row.path}\x1f{row.size}\x1f{row.etag}\x1f{row.modified_us}"
    return f'"r-{sha256(text.encode()).hexdigest()[:32]}"'


def _redirect_to_folder(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{quote(request.url.path)}/{query}", 301)
