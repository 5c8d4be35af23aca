"""Assets: each version that a run made is a materialization of its repository, with its upstream.

Prefect draws lineage from these events, and automations may act on them. A run that changes
nothing tells nothing.
"""

from __future__ import annotations

import hashlib
import re

from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

from blocks.repository import Repository
from catalog.model.version import Version
from flows.results.events import facts_of

BY = "entrepot"
LONGEST = 512  # characters of a key
PLAIN = re.compile(r"[a-z0-9]+://[A-Za-z0-9._:/@+=,~-]+")
ODD = re.compile(r"[^A-Za-z0-9._:/@+=,~-]")


def materialized(
    source: Repository, repository: Repository, version: Version, digest: str | None
) -> None:
    """Tell Prefect of a version: its counts, bytes, and the digest of its manifest."""
    asset = asset_of(repository)
    above: list[str | Asset] = [asset_of(source)] if source.address != repository.address else []

    @materialize(
        asset,
        by=BY,
        asset_deps=above,
        name="materialize",
        task_run_name="materialize",
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    def materialization() -> None:
        told = None if digest is None else f"sha256:{digest}"
        add_asset_metadata(asset, {**facts_of(version), "digest": told})

    materialization()


def asset_of(repository: Repository) -> Asset:
    """Return the asset that a repository is."""
    properties = AssetProperties(name=repository.label)
    return Asset(key=asset_key(repository.address), properties=properties)


def asset_key(address: str) -> str:
    """Return the key of a repository's asset: its address, where Prefect takes that for one.

    >>> asset_key("s3://archive/nightly")
    's3://archive/nightly'
    >>> asset_key("file:///srv/my data")
    'entrepot://file/srv/my_data-04b392ea122e'
    """
    if len(address) <= LONGEST and PLAIN.fullmatch(address):
        return address
    readable = ODD.sub("_", address.replace("://", "/"))[: LONGEST - 40]
    readable = re.sub("/+", "/", readable)
    return f"entrepot://{readable}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
