"""Targets of the matrix that are object stores, and fsspec, which reaches one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import obstore
from pydantic import SecretStr

from catalog.model.gap import Gap
from providers.azure.settings import AzureSettings
from providers.base import Attributes, ProviderSettings
from providers.fsspec.settings import FsspecSettings
from providers.gcs.settings import GcsSettings
from providers.interfaces.history import HISTORY
from providers.s3.settings import S3Settings
from providers.testing.subject import OPTIONS
from tests.faults.kit.disk import small_disk
from tests.faults.kit.http_proxy import HttpProxy
from tests.faults.kit.starting import behind_a_web, every
from tests.faults.kit.target import Corner, Target
from tests.faults.kit.target_profiles import BY_NAME
from tests.faults.kit.tcp_proxy import TcpProxy
from tests.servers.azurite import azurite
from tests.servers.fake_gcs import fake_gcs
from tests.servers.seaweedfs import S3Server, seaweedfs

DISK = 2**30  # bytes


def s3(folder: Path, stack: ExitStack) -> Target:
    """Start SeaweedFS on a small disk."""
    server, wire, web, disk = _weed(folder, stack)

    def corner(name: str) -> Corner:
        settings = S3Settings(
            bucket=server.bucket,
            prefix=name,
            endpoint=f"http://127.0.0.1:{wire.port}",
            access_key_id=server.access_key,
            secret_access_key=SecretStr(server.secret_key),
        )
        return _bucket(server, name, settings)

    return Target(BY_NAME["s3"], corner, every(wire), every(web), disk=disk)


def fsspec(folder: Path, stack: ExitStack) -> Target:
    """Start SeaweedFS, and go there by s3fs as anybody's library."""
    server, wire, web, disk = _weed(folder, stack)
    more: dict[str, Any] = {
        "key": server.access_key,
        "secret": server.secret_key,
        "endpoint_url": f"http://127.0.0.1:{wire.port}",
        "client_kwargs": {"region_name": server.region},
        "config_kwargs": {
            "connect_timeout": 2,
            "read_timeout": 2,
            "retries": {"max_attempts": 0},
            "s3": {"addressing_style": "path"},
        },
    }

    def corner(name: str) -> Corner:
        settings = FsspecSettings(
            url=f"s3://{server.bucket}/{name}", options_json=SecretStr(json.dumps(more))
        )
        return _bucket(server, name, settings)

    return Target(BY_NAME["fsspec"], corner, every(wire), every(web), disk=disk)


def _weed(folder: Path, stack: ExitStack) -> tuple[S3Server, TcpProxy, HttpProxy, Path]:
    disk = stack.enter_context(small_disk(folder / "data", DISK))
    server = stack.enter_context(seaweedfs(folder))
    return server, *behind_a_web(int(server.endpoint.rpartition(":")[2]), stack), disk


def _bucket(server: S3Server, name: str, settings: ProviderSettings) -> Corner:
    store = server.store()

    def look() -> dict[str, bytes]:
        keys = [one["path"] for page in obstore.list(store, name) for one in page]
        return {
            key.removeprefix(f"{name}/"): bytes(obstore.get(store, key).bytes()) for key in keys
        }

    return Corner(settings, lambda path, data: obstore.put(store, f"{name}/{path}", data), look)


def gcs(folder: Path, stack: ExitStack) -> Target:
    """Start the emulator; it tells clients the address of the wire."""
    wire = stack.enter_context(TcpProxy("127.0.0.1", 0))
    server = stack.enter_context(fake_gcs(folder, wire.port))
    web = stack.enter_context(HttpProxy("127.0.0.1", int(server.endpoint.rpartition(":")[2])))
    wire.target = web.port

    def settings(name: str, endpoint: str) -> GcsSettings:
        return GcsSettings(bucket=server.bucket, prefix=name, endpoint=endpoint, anonymous=True)

    def corner(name: str) -> Corner:
        seen = f"http://127.0.0.1:{wire.port}"
        return _apart(settings(name, seen), settings(name, seen))

    return Target(BY_NAME["gcs"], corner, every(wire), every(web))


def azure(folder: Path, stack: ExitStack) -> Target:
    """Start Azurite."""
    server = stack.enter_context(azurite(folder))
    wire, web = behind_a_web(int(server.endpoint.split(":")[2].split("/")[0]), stack)

    def settings(name: str, endpoint: str) -> AzureSettings:
        return AzureSettings(
            account_name=server.account,
            container=server.container,
            prefix=name,
            account_key=SecretStr(server.key),
            endpoint=endpoint,
        )

    def corner(name: str) -> Corner:
        there = f"http://127.0.0.1:{wire.port}/{server.account}"
        return _apart(settings(name, there), settings(name, server.endpoint))

    return Target(BY_NAME["azure"], corner, every(wire), every(web))


def _apart(settings: ProviderSettings, direct: ProviderSettings) -> Corner:
    """Return a corner that is looked at by the provider itself, while nothing is armed."""

    def seed(path: str, data: bytes) -> None:
        with closing(direct.open(OPTIONS)) as storage:
            storage.put(path, data, Attributes())

    def look() -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for below in ("", HISTORY):
            with closing(direct.below(below).open(OPTIONS)) as storage:
                for path in _paths(storage.enumerate()):
                    found[f"{below}/{path}" if below else path] = storage.fetch(path).data
        return found

    return Corner(settings, seed, look)


def _paths(listed: Iterator[Any]) -> Iterator[str]:
    for one in list(listed):
        assert not isinstance(one, Gap), one
        yield one.path
