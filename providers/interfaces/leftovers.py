"""Temporary files that killed writers leave beside others, where no folder of ours may be made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from catalog.model.gap import Listed


@runtime_checkable
class SupportsLeftovers(Protocol):
    """A storage whose temporary files may lie beside the files that they become."""

    def leftovers(self) -> Iterator[Listed]:
        """Yield every such file, and a gap for a folder that cannot be listed."""
        ...
