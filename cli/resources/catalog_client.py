"""Resources without a gateway: the catalog and the tenant's storage are opened in this process."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.resource_version import ResourceVersion
from catalog.queries.paging import MAX_PAGE_ROWS
from catalog.queries.resources.lists import ResourceFilter
from catalog.settings import Settings
from cli.resources.client import Metadata, OnBytes, ResourceInfo, UploadDetails
from cli.terminal.quiet_prefect import load_repository
from gateway.resource_store.location import PlainLocation, ResourceLocation
from gateway.resource_store.metadata import document, list_entry
from gateway.resource_store.names import checked_name
from gateway.resource_store.properties import checked_properties
from gateway.resource_store.store import ResourceStore
from gateway.resource_store.upload import UploadFacts
from providers.base import OpenOptions, Storage
from providers.connection_cache import STORAGES
from providers.local.settings import LocalSettings
from providers.registry import scheme_of, settings_from_url
from providers.shared.url import folder_and_name, parse_url

BLOCK = 2**20  # bytes


class CatalogClient:
    """The resources of one tenant."""

    def __init__(self, catalog: Catalog, store: ResourceStore) -> None:
        """Use `catalog` for metadata and `store` for the bytes."""
        self._catalog, self._store = catalog, store

    def put(
        self, name: str, file: IO[bytes], details: UploadDetails, on_bytes: OnBytes
    ) -> Metadata:
        """Store a file as the next version of a name."""
        with self._store.begin(name, _upload_facts(details)) as upload:
            while data := file.read(BLOCK):
                upload.write(data)
                on_bytes(len(data))
            return self._document(upload.finish())

    def find(self, name: str, version: int | None) -> ResourceInfo:
        """Return a version, the latest by default."""
        row = self._catalog.resources.get(checked_name(name), version)
        return ResourceInfo(row.name, row.version, row.size, row.digest)

    def read(self, resource: ResourceInfo, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version, beginning at the offset `start`."""
        row = self._catalog.resources.get(resource.name, resource.version)
        with ExitStack() as stack:
            if row.path is None:
                storage, path = stack.enter_context(_open_url(row.url))
            else:
                stack.enter_context(self._store.reading(row.path))
                storage, path = self._store.storage, row.path
            reading = storage.read(path, start=start)
            stack.callback(reading.close)
            for chunk in reading:
                yield bytes(chunk)

    def find_all(self, prefix: str, properties: str, *, every: bool) -> Iterator[Metadata]:
        """Yield resources in the order of their names."""
        cursor: str | None = None
        while True:
            query = ResourceFilter(prefix, properties, every, count=MAX_PAGE_ROWS, cursor=cursor)
            page = self._catalog.resources.page(query)
            for row in page.rows:
                yield list_entry(row, self._store.tenant)
            cursor = page.next_cursor
            if cursor is None:
                return

    def copy(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Copy every version, or one, as the next versions of another name."""
        return [self._document(row) for row in self._store.copy(name, to, version)]

    def move(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Move every version, or one, to another name."""
        return [self._document(row) for row in self._store.move(name, to, version)]

    def delete(self, name: str, version: int | None) -> list[Metadata]:
        """Delete every version, or one."""
        return [self._document(row) for row in self._store.delete(name, version)]

    def register(self, name: str, url: str, details: UploadDetails) -> Metadata:
        """Record a file at a URL as the next version of a name."""
        if scheme_of(url) is None:
            raise InvalidInput(f"{url!r} is not a URL: expected scheme://…")
        parse_url(url)  # refuses a password
        return self._document(self._store.register(name, url, _upload_facts(details)))

    def _document(self, row: ResourceVersion) -> Metadata:
        return document(row, self._store.tenant)


@contextmanager
def open_catalog_client(place: str | None, tenant: str | None) -> Generator[CatalogClient]:
    """Open a tenant's resources, stored at `place`, by default in a folder beside the catalog."""
    settings = Settings()
    if tenant is not None:
        settings = settings.model_copy(update={"tenant": tenant})
    catalog = Catalog.open(settings)
    folder = catalog.folder / "resources" / settings.tenant
    store = ResourceStore(catalog, _resolve_location(place, folder), settings.tenant)
    try:
        yield CatalogClient(catalog, store)
    finally:
        store.close()


def _resolve_location(place: str | None, folder: Path) -> ResourceLocation:
    if place is None:
        return PlainLocation(LocalSettings(path=str(folder)))
    if scheme_of(place) is not None:
        parse_url(place)  # refuses a password
        return PlainLocation(settings_from_url(place))
    if place[:1] in ("/", ".", "~") or "/" in place:
        return PlainLocation(LocalSettings(path=place))
    return load_repository(place)


@contextmanager
def _open_url(url: str) -> Generator[tuple[Storage, str]]:
    place, path = folder_and_name(url)
    with STORAGES.open(settings_from_url(place), OpenOptions()) as storage:
        yield storage, path


def _upload_facts(details: UploadDetails) -> UploadFacts:
    return UploadFacts(
        details.content_type, details.size, properties=checked_properties(details.properties)
    )
