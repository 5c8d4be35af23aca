"""An optional property of a reader: whether the server honored the requested range."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Ranged(Protocol):
    """A reader whose server may ignore the range and send the whole file."""

    @property
    def ranged(self) -> bool:
        """Return whether only the range is sent; otherwise the rest is received and discarded."""
        ...
