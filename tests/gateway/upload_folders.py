"""What tests of resources ask: where a gateway keeps uploads, and what is left there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.servers.seaweedfs import S3Server

RESOURCES = "/v1/mytenant/resources"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One place for uploads: what a configuration says of it, and which files lie there."""

    place: str | dict[str, Any]
    files: Callable[[], list[str]]


def local_shelf(folder: Path) -> Shelf:
    """Return a folder as a place for uploads."""
    return Shelf(str(folder), lambda: files_below(folder))


def s3_shelf(server: S3Server, prefix: str) -> Shelf:
    """Return a prefix of a bucket as a place for uploads."""
    place = {
        "type": "s3",
        "bucket": server.bucket,
        "prefix": prefix,
        "endpoint": server.endpoint,
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
    }

    def files() -> list[str]:
        found = server.store().list(f"{prefix}/").collect()
        return sorted(one["path"].removeprefix(f"{prefix}/") for one in found)

    return Shelf(place, files)


def files_below(folder: Path) -> list[str]:
    """Return every file below a folder, hidden ones too; nothing where there is no folder."""
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def path_of(action: str, name: str) -> str:
    """Return the path of a resource under one action."""
    return f"{RESOURCES}/{action}/{quote(name)}"


def put(client: httpx.Client, name: str, data: bytes, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
    """Upload a body as it is, and return the metadata of what it became."""
    reply = client.put(path_of("upload", name), content=data, **given)
    assert reply.status_code == 201, reply.text
    (made,) = reply.json()["metadata"]
    return dict(made)


def got(client: httpx.Client, name: str, **params: Any) -> bytes:  # noqa: ANN401 - httpx's
    """Download a resource."""
    reply = client.get(path_of("download", name), params=params)
    assert reply.status_code == 200, reply.text
    return reply.content


def versions(client: httpx.Client, name: str) -> list[int]:
    """Return the numbers of a resource's versions."""
    reply = client.get(path_of("versions", name))
    return [int(one["version"]) for one in reply.json()["metadata"]] if reply.is_success else []


def kind_of(reply: httpx.Response) -> str:
    """Return the kind of the error that a reply tells."""
    return str(reply.json()["error"]["kind"])


def left(client: httpx.Client, folder: Path) -> list[str]:
    """Return all that a refused upload could leave behind of a gateway that has `folder`."""
    beside = folder / "catalog" / "catalog.duckdb.d"
    found = [f"claims/{one}" for one in files_below(beside / "claims")]
    found += [f"resources/{one}" for one in files_below(beside / "resources")]
    found += [f"waiting/{one}" for one in files_below(beside / "inbox")]
    listed = client.get(f"{RESOURCES}/list", params={"every_version": "true"})
    return found + [f"listed/{one['name']}" for one in listed.json()["metadata"]]
