"""The write methods of read-only storages, which raise `NotSupported`."""

from __future__ import annotations

from typing import ClassVar, Never

from catalog.errors import NameNotAllowed, NotSupported
from providers.base import Attributes


class ReadOnly:
    """A storage whose write methods raise."""

    kind: ClassVar[str]  # "a web server"

    def check_name(self, path: str) -> None:
        """Refuse every name: nothing can be written."""
        raise NameNotAllowed(path, self.kind, "it is read-only")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Never:  # noqa: ARG002
        """Refuse."""
        raise self._refusal(path)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Never:  # noqa: ARG002
        """Refuse."""
        raise self._refusal(path)

    def remove(self, path: str) -> Never:
        """Refuse."""
        raise self._refusal(path)

    def _refusal(self, path: str) -> NotSupported:
        return NotSupported(f"{path!r} cannot be written: {self.kind} is read-only", path=path)
