"""Liveness and readiness of the gateway.

readiness = Readiness(catalog, Draining())
app.router.routes.extend(health_routes(readiness))
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from catalog.catalog import Catalog
from catalog.errors import CatalogError

LOG = logging.getLogger(__name__)
READ_S = 5.0
FREE = 256 * 2**20  # bytes


class Draining:
    """Set when the gateway shuts down: it finishes current requests, and wants no new ones."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        """Start as not draining."""
        self._set = False

    def begin(self) -> None:
        """Start draining; may be called by a signal handler."""
        self._set = True

    def __bool__(self) -> bool:
        """Return whether it is draining."""
        return self._set


@dataclass(frozen=True, slots=True)
class ReadinessState:
    """The facts that determine readiness; `catalog` is why it cannot be read, if so."""

    draining: bool
    catalog: str | None
    free: int  # bytes


def not_ready_reasons(condition: ReadinessState, least_free: int = FREE) -> tuple[str, ...]:
    """Return why the gateway is not ready; empty if it is.

    >>> not_ready_reasons(ReadinessState(draining=True, catalog=None, free=2**40))
    ('the gateway is shutting down',)
    """
    found = ["the gateway is shutting down"] if condition.draining else []
    if condition.catalog is not None:
        found.append(condition.catalog)
    if condition.free < least_free:
        found.append(
            f"the catalog's disk has {condition.free:,} bytes free, and needs {least_free:,}"
        )
    return tuple(found)


def free_bytes(path: Path) -> int:
    """Return the free space of a file's disk; 0 if unknown."""
    for folder in path.absolute().parents:
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
        except OSError:
            return 0
    return 0


class Readiness:
    """Checks readiness.

    The catalog is read in a thread, one at a time, so that hanging reads do not add up.
    """

    def __init__(
        self,
        catalog: Catalog,
        draining: Draining,
        *,
        read_s: float = READ_S,
        least_free: int = FREE,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """Set the requirements; reading the catalog may take `read_s` seconds."""
        self._catalog, self._draining = catalog, draining
        self._read_s, self._least_free, self._free = read_s, least_free, free
        self._reading: asyncio.Task[str | None] | None = None

    async def not_ready_reasons(self) -> tuple[str, ...]:
        """Return why the gateway is not ready; empty if it is."""
        broken = await self._why_unreadable()
        free = self._free(self._catalog.path)
        return not_ready_reasons(
            ReadinessState(bool(self._draining), broken, free), self._least_free
        )

    async def _why_unreadable(self) -> str | None:
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(_why_unreadable, self._catalog))
        task = self._reading
        await asyncio.wait({task}, timeout=self._read_s)
        if not task.done():
            return f"the catalog could not be read within {self._read_s:g} s"
        self._reading = None
        return task.result()


def _why_unreadable(catalog: Catalog) -> str | None:
    try:
        catalog.runs.all(limit=1)
    except (CatalogError, duckdb.Error, OSError) as error:
        LOG.warning("the catalog cannot be read: %s", error)
        return f"the catalog cannot be read: {type(error).__name__}"  # without its path
    return None


def health_routes(readiness: Readiness) -> list[BaseRoute]:
    """Return `/healthz` and `/readyz`, which need no token."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        found = await readiness.not_ready_reasons()
        if found:
            return JSONResponse({"status": "not ready", "reasons": found}, 503)
        return JSONResponse({"status": "ready"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
