"""A web server's files catalogued in a repository, and a gateway before it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from catalog.model.digest import Digest
from tests.gateway.conftest import Running, serving
from tests.servers.faulty import FaultyServer, Reply

TENANT = "mytenant"


def publish(server: FaultyServer, data: dict[str, bytes], *, digests: bool = True) -> str:
    """Let a server hold just these files, and return what to sync from."""
    server.files = {f"/{quote(name)}": body for name, body in data.items()}
    if not digests:
        names = "".join(f'<a href="{name}">{name}</a>\n' for name in data)
        server.files["/"] = f"<pre>{names}</pre>".encode()
        server.script("/", *[_page] * 20)
        return f"{server.url}/"
    lines = [f"{name},{Digest.of(body).value},{len(body)}" for name, body in data.items()]
    server.files["/PULP_MANIFEST"] = "\n".join(lines).encode()
    return f"{server.url}/PULP_MANIFEST"


def _page(reply: Reply) -> bool:
    reply.headers["Content-Type"] = "text/html"
    return False


@dataclass
class Web:
    """A source, the folder that mirrors it, and the gateway that serves that as `web`."""

    upstream: FaultyServer
    shelf: Path
    running: Running
    url: str

    def sync(self, policy: str = "on_demand", mode: str = "additive") -> None:
        """Sync the shelf with the source."""
        from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

        sync(self.url, [str(self.shelf)], policy=policy, mode=mode)

    def get(self, path: str, at: str = "", **headers: str) -> httpx.Response:
        """Ask the gateway for a path."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.running.client.get(f"/content/{TENANT}/web{at}/{path}", headers=named)

    def settled(self) -> None:
        """Wait until all that arrived is kept."""
        saver = self.running.application.streamer.saver
        deadline = time.monotonic() + 120
        while not saver.is_idle():
            assert time.monotonic() < deadline, "it was not kept in time"
            time.sleep(0.02)

    def asked(self, path: str) -> int:
        """Return how many GETs of a path the source has seen."""
        wanted = ("GET", f"/{path}")
        return sum((one.method, one.path) == wanted for one in self.upstream.seen)


@contextmanager
def web(
    folder: Path,
    patch: pytest.MonkeyPatch,
    data: dict[str, bytes],
    *,
    digests: bool = True,
    policy: str = "on_demand",
    served: dict[str, object] | None = None,
    **config: object,
) -> Generator[Web]:
    """Publish, sync under a policy, and serve while the block lasts."""
    shelf = folder / "shelf"
    patch.setenv("ENTREPOT_CATALOG", str(folder / "catalog" / "catalog.duckdb"))
    patch.setenv("ENTREPOT_TENANT", TENANT)
    given = {"repository": f"{shelf}/", **(served or {})}
    tenants = {TENANT: {"repositories": {"web": given}}}
    with FaultyServer() as upstream, serving(folder, tenants=tenants, **config) as running:
        made = Web(upstream, shelf, running, publish(upstream, data, digests=digests))
        made.sync(policy)
        upstream.seen.clear()
        yield made
