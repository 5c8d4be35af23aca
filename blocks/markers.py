"""Where a repository has its markers: a folder of its choice, or else `.entrepot/done`."""

from __future__ import annotations

from blocks.history import area_of
from blocks.repository import Repository
from catalog.paths import RESERVED

DONE = f"{RESERVED}/done"
"""The folder below a destination's root that holds markers, unless another is chosen."""


def markers_of(repository: Repository) -> Repository:
    """Return what holds a repository's markers and nothing else; same login and limits."""
    return area_of(repository, repository.markers or DONE)
