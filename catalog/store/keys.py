"""The keys of the catalog's tables, the same in Python and in SQL.

>>> repository_key("default", "s3://bucket")
'c6f9c9fe-65e5-66a5-7d31-3965960148b0'
"""

from __future__ import annotations

import hashlib
import uuid


def repository_key(tenant: str, address: str) -> str:
    """Return the key of a repository: md5(tenant || chr(31) || address) as a UUID."""
    return _key(tenant, address)


def path_key(tenant: str, path: str) -> str:
    """Return `nkey`, the key of a path in any repository."""
    return _key(tenant, path)


def _key(tenant: str, name: str) -> str:
    digest = hashlib.md5(f"{tenant}\x1f{name}".encode(), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest))
