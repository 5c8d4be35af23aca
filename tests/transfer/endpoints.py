"""Ends of a delivery for tests: short to write, real underneath."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from catalog.model.plan import Action, PlanItem
from providers.base import OpenOptions, ProviderSettings, Source, Storage, Timeouts
from providers.http.settings import HttpSettings
from providers.local.settings import LocalSettings
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.batch.endpoints import Endpoint
from transfer.workers.limits import Limits, RequestLimiter
from transfer.workers.retry import RetryPolicy

OPENED: list[Storage] = []
"""What the tests opened; closed after each of them."""

QUICK = RetryPolicy(retries=3, first_s=0.01, longest_s=1.0)


def end(
    settings: ProviderSettings,
    retry: RetryPolicy = QUICK,
    limits: Limits | None = None,
    read_s: float = 5.0,
) -> Endpoint[Storage]:
    """Open a storage as an end of a delivery."""
    storage = settings.open(OpenOptions(timeouts=Timeouts(read_s=read_s)))
    OPENED.append(storage)
    return Endpoint(settings.address(), storage, RequestLimiter(limits or Limits()), retry)


def folder(path: Path, retry: RetryPolicy = QUICK) -> Endpoint[Storage]:
    """Open a local folder."""
    return end(LocalSettings(path=str(path)), retry)


def web(url: str, retry: RetryPolicy = QUICK, read_s: float = 5.0) -> Endpoint[Storage]:
    """Open a web server."""
    return end(HttpSettings(url=url), retry, read_s=read_s)


def item(
    path: str, size: int | None, *digests: str, to: int = 1, etag: str | None = None
) -> PlanItem:
    """Make an item for the first `to` destinations."""
    return PlanItem(
        path, path, size, etag, None, digests, None, None, tuple(range(to)), (Action.ADD,) * to
    )


def delivery(
    source: Endpoint[Source], *ends: Endpoint[Storage], options: TransferOptions | None = None
) -> Delivery:
    """Join the ends."""
    return Delivery(source, ends, options or TransferOptions(threads=4))


def tree(root: Path) -> dict[str, bytes]:
    """Read every file below a folder, ours included."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def leftovers(roots: Iterable[Path]) -> list[Path]:
    """Return every temporary file that was left below some destinations."""
    return [path for root in roots for path in (root / ".entrepot").rglob("*") if path.is_file()]
