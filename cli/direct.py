"""Resources without a gateway: the catalog and the tenant's storage, opened here."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from catalog.browsing import LARGEST_PAGE
from catalog.errors import InvalidInput
from catalog.resource_version import ResourceVersion
from catalog.resources import ResourceFilter
from catalog.settings import Settings
from catalog.store import Catalog
from cli.desk import Found, Given, Moved, Told
from cli.quiet import load_quietly
from gateway.home import Home, PlainHome
from gateway.metadata import document, listed
from gateway.names import checked_name
from gateway.properties import checked_properties
from gateway.resource_store import ResourceStore
from gateway.upload import Facts
from providers.base import OpenOptions, Storage
from providers.cache import STORAGES
from providers.local import LocalSettings
from providers.registry import scheme_of, settings_from_url
from providers.url import folder_and_name, parse_url

BLOCK = 2**20  # bytes


class Direct:
    """The resources of one tenant."""

    def __init__(self, catalog: Catalog, store: ResourceStore) -> None:
        """Ask `catalog`, and keep bytes in `store`."""
        self._catalog, self._store = catalog, store

    def put(self, name: str, file: IO[bytes], given: Given, moved: Moved) -> Told:
        """Store a file as the next version of a name."""
        with self._store.begin(name, _facts(given)) as upload:
            while data := file.read(BLOCK):
                upload.write(data)
                moved(len(data))
            return self._told(upload.finish())

    def find(self, name: str, version: int | None) -> Found:
        """Return a version, the latest by default."""
        one = self._catalog.resource(checked_name(name), version)
        return Found(one.name, one.version, one.size, one.digest)

    def read(self, found: Found, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version from a place on."""
        one = self._catalog.resource(found.name, found.version)
        with ExitStack() as held:
            if one.path is None:
                storage, path = held.enter_context(_elsewhere(one.url))
            else:
                held.enter_context(self._store.reading(one.path))
                storage, path = self._store.storage, one.path
            reading = storage.read(path, start=start)
            held.callback(reading.close)
            for chunk in reading:
                yield bytes(chunk)

    def listed(self, prefix: str, properties: str, *, every: bool) -> Iterator[Told]:
        """Yield resources in the order of their names."""
        cursor: str | None = None
        while True:
            where = ResourceFilter(prefix, properties, every, count=LARGEST_PAGE, cursor=cursor)
            page = self._catalog.list_resources(where)
            for one in page.rows:
                yield listed(one, self._store.tenant)
            cursor = page.next_cursor
            if cursor is None:
                return

    def copy(self, name: str, to: str, version: int | None) -> list[Told]:
        """Copy every version, or one, as the next versions of another name."""
        return [self._told(one) for one in self._store.copy(name, to, version)]

    def move(self, name: str, to: str, version: int | None) -> list[Told]:
        """Move every version, or one, to another name."""
        return [self._told(one) for one in self._store.move(name, to, version)]

    def delete(self, name: str, version: int | None) -> list[Told]:
        """Delete every version, or one."""
        return [self._told(one) for one in self._store.delete(name, version)]

    def register(self, name: str, url: str, given: Given) -> Told:
        """Record what lies elsewhere as the next version of a name."""
        if scheme_of(url) is None:
            raise InvalidInput(f"{url!r} is not a URL: expected scheme://…")
        parse_url(url)  # refuses a password
        return self._told(self._store.register(name, url, _facts(given)))

    def _told(self, one: ResourceVersion) -> Told:
        return document(one, self._store.tenant)


@contextmanager
def direct(place: str | None, tenant: str | None) -> Generator[Direct]:
    """Open the resources of a tenant; `place` is where they lie, beside the catalog by default."""
    settings = Settings()
    if tenant is not None:
        settings = settings.model_copy(update={"tenant": tenant})
    catalog = Catalog.open(settings)
    folder = catalog.beside / "resources" / settings.tenant
    store = ResourceStore(catalog, _home(place, folder), settings.tenant)
    try:
        yield Direct(catalog, store)
    finally:
        store.close()


def _home(place: str | None, folder: Path) -> Home:
    if place is None:
        return PlainHome(LocalSettings(path=str(folder)))
    if scheme_of(place) is not None:
        parse_url(place)  # refuses a password
        return PlainHome(settings_from_url(place))
    if place[:1] in ("/", ".", "~") or "/" in place:
        return PlainHome(LocalSettings(path=place))
    load_quietly()  # only a block's name needs Prefect
    from blocks.local_server import ensure_server  # noqa: PLC0415
    from blocks.resolve import repository  # noqa: PLC0415

    ensure_server()
    return repository(place)


@contextmanager
def _elsewhere(url: str) -> Generator[tuple[Storage, str]]:
    place, path = folder_and_name(url)
    with STORAGES.opened(settings_from_url(place), OpenOptions()) as storage:
        yield storage, path


def _facts(given: Given) -> Facts:
    return Facts(given.content_type, given.size, properties=checked_properties(given.properties))
