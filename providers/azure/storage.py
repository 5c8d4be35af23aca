"""A container as a storage: Azure's SDK lists, obstore transfers the data.

obstore's own listing returns the folders of hierarchical accounts as files.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# The SDK's annotations have gaps.

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from catalog.errors import (
    AccessDenied,
    Archived,
    ConnectionFailed,
    NameNotAllowed,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    TransferTimeout,
    UnexpectedReply,
)
from catalog.model.digest import Digest
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import check_path
from providers.azure.history import keep_blob
from providers.base import Attributes, Fetched, Reader, Stored, Writer
from providers.capabilities import OBJECTS
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.http.headers import status_error
from providers.interfaces.history import KeepResult
from providers.objects.errors import archive_class
from providers.objects.keys import PaginationGuard, check_key, describe_key
from providers.objects.storage import ObjectBytes

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient


@error_boundary
class AzureStorage:
    """One container below one prefix."""

    keeps_at_commit = False
    capabilities = replace(OBJECTS, digests=("sha256", "md5"), long_round_trip=True)

    def __init__(
        self,
        container: ContainerClient,
        objects: ObjectBytes,
        prefix: str,
        on_close: OnClose = keep_open,
    ) -> None:
        """Serve `container` below `prefix` ('' or without slashes at either end)."""
        self._container: Any = container
        self._objects = objects
        self.capabilities = objects.capabilities(type(self).capabilities)
        self._on_close = on_close
        self._root = prefix + "/" if prefix else ""

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every blob, without the folders of hierarchical accounts."""
        start = self._root + prefix
        if not recursive and prefix:
            yield from self._stat_if_exists(prefix)
            start += "/"
        with self._translate_errors(prefix):
            if recursive:
                pages = self._container.list_blobs(start, include=["metadata"])
            else:
                pages = self._container.walk_blobs(start, include=["metadata"], delimiter="/")
            top = prefix if recursive else ""
            for page in self._list_pages(pages):
                for blob in page:
                    path = str(blob.name)[len(self._root) :]
                    if _is_folder(blob):
                        continue
                    found = describe_key(
                        path, top, _size_of(blob), partial(describe_blob, path, blob)
                    )
                    if found is not None:
                        yield found

    def _list_pages(self, pages: Any) -> Iterator[Any]:  # noqa: ANN401 - the SDK's
        """Yield the pages of a listing; a repeated page is an error."""
        watch, every = PaginationGuard(self._objects.where), pages.by_page()
        for page in every:
            yield page
            if every.continuation_token:
                watch.follow(every.continuation_token)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one blob."""
        check_key(path)
        with self._translate_errors(path):
            blob = self._container.get_blob_client(self._objects.key(path)).get_blob_properties()
        if _is_folder(blob):
            raise ResourceNotFound(f"{path!r} is a folder at {self._objects.where}", path=path)
        return describe_blob(path, blob)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a blob whole, pinned to `etag`."""
        return self._objects.fetch(path, etag=etag)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read a range, part by part, each pinned."""
        return self._objects.read(path, etag=etag, start=start, length=length)

    def check_name(self, path: str) -> None:
        """Refuse backslashes, which Azure converts to slashes, and names obstore cannot express."""
        check_path(path)
        if "\\" in path:
            raise NameNotAllowed(path, self._objects.where, "it contains a backslash")
        self._objects.check_name(path)

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a blob in one request."""
        self.check_name(path)
        return Stored(len(data), etag=self._objects.put(path, data, attributes))

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Begin an upload in blocks; the blob appears when the block list is committed."""
        self.check_name(path)
        return self._objects.write(path, attributes, size=size, confirm=self._confirm)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Copy a blob into the history server-side."""
        with self._translate_errors(current.path):
            return keep_blob(self._container, self._root, current, key)

    def remove(self, path: str) -> None:
        """Delete one blob; do nothing if it does not exist."""
        self._objects.remove(check_key(path))

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    def _confirm(
        self, path: str, size: int, etag: str | None, part_digests: tuple[bytes, ...]
    ) -> Stored:
        del part_digests  # Azure stores none
        found = self.stat(path)
        if found.size != size:
            self.remove(path)
            raise SizeMismatch(path, size, found.size or 0)
        return Stored(size, etag=etag or found.etag, modified_us=found.modified_us)

    def _stat_if_exists(self, path: str) -> Iterator[Resource]:
        try:
            yield self.stat(path)
        except ResourceNotFound:
            return

    @contextmanager
    def _translate_errors(self, path: str) -> Generator[None]:
        try:
            yield
        except (AzureError, OSError) as error:
            if isinstance(error, StorageError):
                raise
            raise translate_azure_error(error, path, self._objects.where) from error


def describe_blob(path: str, blob: Any) -> Resource:  # noqa: ANN401 - the SDK's properties
    """Return the resource that a blob's properties describe."""
    settings = blob.content_settings
    etag = str(blob.etag)
    digests: list[Digest] = []
    declared = (blob.metadata or {}).get("sha256", "")
    if len(declared) == 64:
        digests.append(Digest.parse(declared))
    if settings.content_md5:
        digests.append(Digest("md5", bytes(settings.content_md5).hex()))
    return Resource(
        path,
        size=blob.size,
        etag=etag if etag.startswith('"') else f'"{etag}"',  # listings omit the quotes
        modified_us=int(blob.last_modified.timestamp() * 1_000_000),
        digests=tuple(digests),
        content_type=settings.content_type,
    )


def _size_of(blob: Any) -> int:  # noqa: ANN401 - the SDK's properties
    return int(getattr(blob, "size", 0) or 0)


def _is_folder(blob: Any) -> bool:  # noqa: ANN401 - the SDK's properties
    metadata = getattr(blob, "metadata", None) or {}
    return str(metadata.get("hdi_isfolder", "")).lower() == "true"


def translate_azure_error(error: AzureError | OSError, path: str, where: str) -> StorageError:
    """Return our error for an error of the SDK."""
    context = f"{where}: {path!r}"
    if isinstance(error, HttpResponseError) and archive_class(str(error)) is not None:
        return Archived(path, where, "Archive")
    if isinstance(error, HttpResponseError) and error.status_code:
        response: Any = error.response
        headers = {
            str(name).lower().encode(): str(value).encode("latin-1", "replace")
            for name, value in (response.headers if response is not None else {}).items()
        }
        return status_error(error.status_code, headers, doing=context, path=path)
    if isinstance(error, ClientAuthenticationError):
        return AccessDenied(f"{where} refuses the login", path=path)
    if "timeout" in type(error).__name__.lower() or "timed out" in str(error).lower():
        return TransferTimeout(f"{context}: timed out", path=path)
    if isinstance(error, ServiceRequestError | ServiceResponseError | OSError):
        return ConnectionFailed(f"{context}: the connection failed", path=path)
    return UnexpectedReply(f"{context}: {type(error).__name__}", path=path)
