"""Targets of the matrix that are only read: pages, lists, an API, git."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from providers.api.settings import ApiSettings
from providers.base import ProviderSettings
from providers.git.settings import GitSettings
from providers.http.settings import HttpSettings
from tests.faults.kit.fault_kinds import Operation
from tests.faults.kit.starting import behind_a_web, every
from tests.faults.kit.target import Corner, Target, put_file, tree
from tests.faults.kit.target_profiles import BY_NAME
from tests.servers.git import commit, git_server
from tests.servers.nginx import nginx

LISTS = frozenset({"files.json", "SHA256SUMS"})


def http(folder: Path, stack: ExitStack) -> Target:
    """Start nginx, and list its pages."""
    return _web(folder, stack, "http", lambda url: HttpSettings(url=url))


def http_manifest(folder: Path, stack: ExitStack) -> Target:
    """Start nginx, and list by a file of digests."""

    def listed(files: Mapping[str, bytes]) -> dict[str, bytes]:
        lines = [f"{sha256(data).hexdigest()}  {path}\n" for path, data in files.items()]
        return {"SHA256SUMS": "".join(lines).encode()}

    return _web(
        folder,
        stack,
        "http, manifest",
        lambda url: HttpSettings(url=url, manifest="SHA256SUMS"),
        listed,
    )


def api(folder: Path, stack: ExitStack) -> Target:
    """Start nginx, and list by a page of JSON."""

    def listed(files: Mapping[str, bytes]) -> dict[str, bytes]:
        entries = [
            {
                "name": path,
                "url": path,
                "size": len(data),
                "sum": f"sha256:{sha256(data).hexdigest()}",
                "tag": sha256(data).hexdigest()[:12],
            }
            for path, data in files.items()
        ]
        return {"files.json": json.dumps(entries).encode()}

    def settings(url: str) -> ApiSettings:
        return ApiSettings(url=f"{url}/files.json", size="size", digest="sum", etag="tag")

    return _web(folder, stack, "api", settings, listed)


def _web(
    folder: Path,
    stack: ExitStack,
    name: str,
    settings: Callable[[str], ProviderSettings],
    listed: Callable[[Mapping[str, bytes]], dict[str, bytes]] | None = None,
) -> Target:
    server = stack.enter_context(nginx(folder))
    wire, web = behind_a_web(int(server.http.rpartition(":")[2]), stack)

    def corner(below: str) -> Corner:
        root = server.root / below
        files: dict[str, bytes] = {}

        def seed(path: str, data: bytes) -> None:
            files[path] = data
            for one, body in {path: data, **(listed(files) if listed else {})}.items():
                put_file(root, one, body)

        def look() -> dict[str, bytes]:
            return {path: data for path, data in tree(root).items() if path not in LISTS}

        return Corner(settings(f"http://127.0.0.1:{wire.port}/{below}"), seed, look)

    return Target(BY_NAME[name], corner, every(wire), every(web))


def git(folder: Path, stack: ExitStack) -> Target:
    """Start a git server and an LFS server: a large file lies there."""
    server = stack.enter_context(git_server(folder))
    pages, web = behind_a_web(int(server.url.rpartition(":")[2]), stack)
    large, lfs = behind_a_web(int(server.lfs_url.rpartition(":")[2]), stack)

    def corner(below: str) -> Corner:
        bare = server.make(f"{below}.git")
        files: dict[str, bytes] = {}
        settings = GitSettings(
            url=f"http://127.0.0.1:{pages.port}/{below}.git",
            lfs_url=f"http://127.0.0.1:{large.port}",
        )

        def seed(path: str, data: bytes) -> None:
            files[path] = data
            held = server.store(data) if len(data) > 2**20 else data
            commit(bare, {path: held})

        return Corner(settings, seed, lambda: files)

    return Target(
        BY_NAME["git"],
        corner,
        {Operation.LISTING: pages, Operation.READING: large},
        {Operation.LISTING: web, Operation.READING: lfs},
    )
