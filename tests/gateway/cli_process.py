"""`entrepot gateway` as a process of its own, as an operator runs it, with any configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.servers.process import ROOT, free_ports, listens, program, running

TENANT = "acme"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs: its process, a client without a token, and its catalog's file."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    file: Path
    port: int
    log: Path

    def catalog(self, tenant: str = TENANT) -> Catalog:
        """Return the catalog as a tenant sees it."""
        return catalog_of(self.file.parent.parent, tenant)


def catalog_of(folder: Path, tenant: str = TENANT) -> Catalog:
    """Return the catalog of a gateway that runs, or will run, in a folder."""
    return Catalog.open(Settings(catalog=folder / "catalog" / "catalog.duckdb", tenant=tenant))


def shows(text: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {text}"}


def token(folder: Path, role: Role = Role.ADMIN, tenant: str = TENANT) -> dict[str, str]:
    """Make a token, and return the header that shows it."""
    return shows(catalog_of(folder, tenant).tokens.create(role)[1])


@contextmanager
def gateway(
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    client: Mapping[str, Any] | None = None,
    **config: Any,  # noqa: ANN401 - what YAML holds
) -> Generator[Gateway]:
    """Run it while the block lasts; `config` is what its file would say."""
    (port,) = free_ports(1)
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump({"tenants": {TENANT: {"repositories": {}}}, **config}))
    words = ("gateway", "--config", str(file), "--port", str(port), *options)
    settings = {
        "ENTREPOT_CATALOG": str(folder / "catalog" / "catalog.duckdb"),
        "ENTREPOT_TENANT": TENANT,
        "PYTHONPATH": str(ROOT),
        **(environment or {}),
    }
    log = folder / "gateway.log"
    url = f"http://127.0.0.1:{port}"
    with (
        running(
            [program("entrepot"), *words], lambda: listens(port), log=log, environment=settings
        ) as process,
        httpx.Client(base_url=url, timeout=60, **(client or {})) as asking,
    ):
        yield Gateway(process, asking, folder / "catalog" / "catalog.duckdb", port, log)
