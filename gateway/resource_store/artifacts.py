"""Stores artifacts as resources: `<type>/<group as folders>/<artifact>/<version>/<file>`.

Their coordinates are stored as properties, so that everything for resources works for artifacts.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from catalog.catalog import Catalog
from catalog.errors import ContentConflict, InvalidInput, NotRecorded
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.lists import ResourceFilter
from gateway.http.multipart import BLOCK
from gateway.resource_store.metadata import digests, format_time, storage_type, url_of
from gateway.resource_store.names import checked_name
from gateway.resource_store.packages import Coordinates, PackageMetadata, metadata_of
from gateway.resource_store.properties import checked_properties
from gateway.resource_store.store import ResourceStore
from gateway.resource_store.upload import UploadFacts

KEY = "coordinates"
"""The property that marks a resource as an artifact."""
LOCKS = 64  # lock files; two artifacts that share one wait for each other
Named = tuple[str, IO[bytes]]


def store_artifacts(
    store: ResourceStore,
    files: Sequence[Named],
    check: Callable[[Coordinates], object],
    *,
    replace: bool,
) -> list[ResourceVersion]:
    """Store packages under their coordinates: all of them, or none.

    `check` refuses coordinates that the caller may not write.

    Raises:
        InvalidInput: a package is invalid, or two have the same coordinates.
        ContentConflict: the coordinates exist already, and `replace` is false.
    """
    every = [(metadata_of(file, name), name, file) for name, file in files]
    wanted = [one.coordinates for one, _, _ in every]
    for named in wanted:
        check(named)
    if len(set(wanted)) != len(wanted):
        raise InvalidInput("two packages have the same coordinates")
    with _lock_coordinates(store, wanted):
        old = _find_existing(store, wanted, replace=replace)
        created: list[ResourceVersion] = []
        try:
            for one, name, file in every:
                created.append(_store_one(store, one, name, file))
        except BaseException:
            _delete(store, created)
            raise
        _delete(store, old)
    return created


def register_artifact(
    store: ResourceStore, package: PackageMetadata, url: str, *, replace: bool
) -> ResourceVersion:
    """Record an external package under its coordinates."""
    with _lock_coordinates(store, [package.coordinates]):
        old = _find_existing(store, [package.coordinates], replace=replace)
        name = _resource_name(package, unquote(urlsplit(url).path))
        created = store.register(name, url, UploadFacts(properties=_properties(package)))
        _delete(store, old)
    return created


def find_artifact(catalog: Catalog, coordinates: Coordinates) -> ResourceVersion:
    """Return the artifact with these coordinates; raise `NotRecorded` if there is none."""
    found = _find_all(catalog, coordinates)
    if not found:
        raise NotRecorded("artifact", str(coordinates))
    return max(found, key=lambda one: one.created_at)


def artifact_document(resource: ResourceVersion) -> dict[str, Any]:
    """Return an artifact's metadata in the Punch's newer format, plus digests."""
    properties = dict(resource.properties)
    return {
        "group": properties.pop("group", ""),
        "artifact": properties.pop("artifact", ""),
        "file": resource.name.rpartition("/")[2],
        "createdAt": properties.pop("createdAt", format_time(resource.created_at)),
        "version": properties.pop("version", ""),
        "size": resource.size,
        "type": properties.pop("type", ""),
        "storage": {"url": url_of(resource), "backend": storage_type(resource)},
        "properties": {key: value for key, value in properties.items() if key != KEY},
        "digests": digests(resource),
    }


def _store_one(
    store: ResourceStore, package: PackageMetadata, name: str, file: IO[bytes]
) -> ResourceVersion:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    facts = UploadFacts("application/zip", size, properties=_properties(package))
    with store.begin(_resource_name(package, name), facts) as upload:
        while data := file.read(BLOCK):
            upload.write(data)
        return upload.finish()


def _resource_name(package: PackageMetadata, given: str) -> str:
    """Return the resource's name, which ends in the name of the uploaded file."""
    last = given.replace("\\", "/").rpartition("/")[2]
    coordinates = package.coordinates
    return checked_name(
        f"{coordinates.path}/{last or f'{coordinates.artifact}-{coordinates.version}.zip'}"
    )


def _properties(package: PackageMetadata) -> dict[str, str]:
    named = package.coordinates
    return checked_properties(
        {
            **package.properties,
            KEY: str(named),
            "type": named.type,
            "group": named.group,
            "artifact": named.artifact,
            "version": named.version,
        }
    )


def _find_existing(
    store: ResourceStore, wanted: Iterable[Coordinates], *, replace: bool
) -> list[ResourceVersion]:
    found = [(one, old) for one in wanted for old in _find_all(store.catalog, one)]
    if found and not replace:
        raise ContentConflict(f"the artifact {str(found[0][0])!r} already exists")
    return [old for _, old in found]


def _find_all(catalog: Catalog, coordinates: Coordinates) -> tuple[ResourceVersion, ...]:
    below = catalog.resources.page(ResourceFilter(f"{coordinates.path}/", every=True)).rows
    return tuple(one for one in below if one.properties.get(KEY) == str(coordinates))


def _delete(store: ResourceStore, every: Iterable[ResourceVersion]) -> None:
    for one in every:
        store.delete(one.name, one.version)


@contextmanager
def _lock_coordinates(store: ResourceStore, wanted: Iterable[Coordinates]) -> Generator[None]:
    """Lock the coordinates across processes during the block."""
    folder = store.catalog.folder / "artifacts"
    folder.mkdir(exist_ok=True)
    numbers = {zlib.crc32(f"{store.tenant} {one}".encode()) % LOCKS for one in wanted}
    with ExitStack() as held:
        for number in sorted(numbers):  # always in the same order, to avoid deadlocks
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(folder / f"{number:02d}.lock", flags, 0o600)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
