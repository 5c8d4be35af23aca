"""Prefect assets: each version that a run created materializes its repository, with its source.

Prefect shows lineage from these events, and automations may react to them. A run that changes
nothing emits none.
"""

from __future__ import annotations

import hashlib
import re

from blocks.repository import Repository
from catalog.model.version import Version
from flows.results.events import version_facts
from orchestration.report import record_lineage

MAX_KEY = 512  # characters
VALID_KEY = re.compile(r"[a-z0-9]+://[A-Za-z0-9._:/@+=,~-]+")
FORBIDDEN = re.compile(r"[^A-Za-z0-9._:/@+=,~-]")


def emit_materialization(
    source: Repository, repository: Repository, version: Version, digest: str | None
) -> None:
    """Tell Prefect about a version: its counts, bytes, and the digest of its manifest."""
    upstream = [source] if source.address != repository.address else []
    record_lineage(
        _asset(repository),
        [*map(_asset, upstream)],
        {**version_facts(version), "digest": None if digest is None else f"sha256:{digest}"},
    )


def _asset(repository: Repository) -> tuple[str, str]:
    return asset_key(repository.address), repository.label


def asset_key(address: str) -> str:
    """Return the key of a repository's asset: its address, if Prefect accepts it as a key.

    >>> asset_key("s3://archive/nightly")
    's3://archive/nightly'
    >>> asset_key("file:///srv/my data")
    'entrepot://file/srv/my_data-04b392ea122e'
    """
    if len(address) <= MAX_KEY and VALID_KEY.fullmatch(address):
        return address
    readable = FORBIDDEN.sub("_", address.replace("://", "/"))[: MAX_KEY - 40]
    readable = re.sub("/+", "/", readable)
    return f"entrepot://{readable}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
