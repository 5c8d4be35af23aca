"""Lists a WebDAV server's folders: one PROPFIND per folder, each entry with its own status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from catalog.errors import AccessDenied, ResourceNotFound, StorageError, UnexpectedReply
from catalog.model.gap import NAME, Gap
from catalog.model.resource import Resource
from catalog.paths import RESERVED, is_below
from providers.http.client import HttpClient
from providers.shared.tree_walk import Folder, Found
from providers.shared.url import quote_path
from providers.webdav.multistatus import PROPFIND_BODY, DavEntry, parse_multistatus


class WebdavLister:
    """Lists folders below one URL."""

    def __init__(self, client: HttpClient, base: str, where: str) -> None:
        """List below `base`, which ends in a slash; `where` names it in messages."""
        self._client, self._base, self._where = client, base, where

    def __call__(self, folders: list[Folder]) -> Iterator[tuple[Folder, Iterator[Found]]]:
        """List some folders."""
        for folder in folders:
            yield folder, self._list_folder(folder.path)

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return (self._base + quote_path(path)) if path else self._base.rstrip("/")

    def describe(self, path: str) -> Resource:
        """Return the metadata of one file."""
        for entry in self._propfind(path, depth="0"):
            if entry.path == path and not entry.folder:
                if entry.error_status is not None:
                    why = f"{self._where} reports {entry.error_status!r} for {path!r}"
                    raise AccessDenied(why, path=path)
                return entry.resource(path)
        raise ResourceNotFound(f"{self._where} has no file {path!r}", path=path)

    def exists(self, path: str) -> bool:
        """Return whether a path exists."""
        try:
            self._propfind(path, depth="0")
        except ResourceNotFound:
            return False
        return True

    def is_folder(self, path: str) -> bool:
        """Return whether a path is a folder."""
        try:
            entries = self._propfind(path, depth="0")
        except ResourceNotFound:
            return False
        return any(entry.folder and entry.path == path for entry in entries)

    def remove_empty(self, path: str) -> None:
        """Remove a folder if it contains nothing but empty folders."""
        inner = [entry for entry in self._propfind(path, depth="1") if entry.path != path]
        if any(not one.folder or one.error_status is not None for one in inner):
            return
        for one in inner:
            self.remove_empty(one.path)
        if all(entry.path == path for entry in self._propfind(path, depth="1")):
            url = self.url(path) + "/"
            self._client.request("DELETE", url, path=path).expect(200, 204, 404).close()

    def _list_folder(self, folder: str) -> Iterator[Found]:
        """Yield the entries of a folder, or the file itself if it is one."""
        entries = self._propfind(folder, depth="1")
        folders = {one.path for one in entries if one.folder and one.path != folder}
        for entry in entries:
            path = entry.path
            if path == RESERVED or (path == folder and entry.folder):
                continue
            if entry.error_status is not None:
                yield from self._gap_of_status(path, entry.error_status)
            elif path != folder and path.rpartition("/")[0] != folder:
                if not any(is_below(one, path) for one in folders):
                    yield Gap(path, "the server lists it in a different folder", NAME, below=True)
            elif entry.folder:
                yield Folder(path)
            else:
                yield entry.resource(path)

    def _gap_of_status(self, path: str, status: str) -> Iterator[Found]:
        """Yield a gap for an entry with an error status, unless it no longer exists."""
        if " 404" in status or " 410" in status:
            with suppress(StorageError):
                if not self.exists(path):
                    return
        yield Gap(path, f"the server reports {status!r} for it", AccessDenied.code, below=True)

    def _propfind(self, path: str, *, depth: str) -> list[DavEntry]:
        url = self.url(path) if path else self._base
        headers = {"Depth": depth, "Content-Type": "application/xml"}
        reply = self._client.request(
            "PROPFIND", url, path=path, headers=headers, body=PROPFIND_BODY
        )
        text = reply.expect(207).read()
        try:
            return parse_multistatus(text, self._base)
        except ValueError as error:
            raise UnexpectedReply(f"{self._where} sent no valid WebDAV reply: {error}") from error
