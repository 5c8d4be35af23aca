"""Which paths of a repository the catalog knows already."""

from __future__ import annotations

from collections.abc import Callable

from catalog.errors import RepositoryNotFound
from catalog.queries.versions import Versions


def known_paths(versions: Versions, address: str) -> Callable[[str], bool]:
    """Return a test for paths of a repository's latest version; rarely true for another path."""
    try:
        hashes = {hash(row.path) for row in versions.content(address)}
    except RepositoryNotFound:
        hashes = set()
    return lambda path: hash(path) in hashes
