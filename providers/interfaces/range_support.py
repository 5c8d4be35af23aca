"""What a reading may tell beside its bytes: whether the range that was asked for was understood."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Ranged(Protocol):
    """A reading whose server may send the whole file whatever was asked for."""

    @property
    def ranged(self) -> bool:
        """Say whether only the range comes; else all does, and the rest of it is thrown away."""
        ...
