"""The resource version: one upload or registration under a name, with its metadata.

The model is the Punch Resource Manager's, plus digests. Versions of a name are counted from 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.model.digest import Digest

EXTERNAL = "external"
"""The storage type of a registration: its bytes are elsewhere, and nothing was copied."""


@dataclass(frozen=True, slots=True)
class ResourceVersion:
    """One version of a named resource; `size` is in bytes, `digest` a sha256 in hex.

    `address` and `path` are the location of its bytes in a repository of the tenant; both are None
    for an external version, whose location is `url`.
    """

    name: str
    version: int
    created_at: datetime
    size: int | None
    digest: str | None
    content_type: str | None
    storage_type: str
    url: str
    encoding: str | None = None
    compression: str | None = None
    data: str | None = None
    address: str | None = None
    path: str | None = None
    digests: tuple[str, ...] = ()  # further ones, as `algorithm:hex`
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def external(self) -> bool:
        """Say whether its bytes are outside the tenant's repositories."""
        return self.path is None

    def all_digests(self) -> tuple[Digest, ...]:
        """Return all digests that its bytes must have."""
        own = () if self.digest is None else (Digest("sha256", self.digest),)
        return (*own, *(Digest.parse(digest) for digest in self.digests))

    def to_json(self) -> dict[str, object]:
        """Return the JSON for an order to the catalog."""
        return {
            "name": self.name,
            "version": self.version,
            "created_us": int(self.created_at.timestamp() * 1e6),
            "size": self.size,
            "digest": self.digest,
            "digests": ",".join(self.digests) or None,
            "content_type": self.content_type,
            "storage_type": self.storage_type,
            "url": self.url,
            "encoding": self.encoding,
            "compression": self.compression,
            "data": self.data,
            "address": self.address,
            "path": self.path,
            "properties": json.dumps(dict(self.properties)),
        }

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> ResourceVersion:
        """Convert a row of `sql/resources/versions.sql`."""
        name, version, created_at, *facts, digests, properties = row
        size, digest, content_type, storage_type, url, encoding, compression, data, *place = facts
        return cls(
            name=name,
            version=version,
            created_at=created_at.replace(tzinfo=UTC),
            size=size,
            digest=digest,
            content_type=content_type,
            storage_type=storage_type,
            url=url,
            encoding=encoding,
            compression=compression,
            data=data,
            address=place[0],
            path=place[1],
            digests=tuple(digests.split(",")) if digests else (),
            properties=json.loads(properties),
        )
