"""The repositories that an export reads from, each opened when first needed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Self

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError
from providers.base import Source
from tasks.job import opened_source
from transfer.job import End


class OpenedPlaces:
    """Finds repositories by address: those given, then those that an address alone leads to."""

    def __init__(self, given: Iterable[Repository]) -> None:
        """Prefer the repositories `given`: they have credentials."""
        self._given = {one.address: one for one in given}
        self._ends: dict[str, End[Source] | None] = {}
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin with nothing open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all."""
        self._stack.close()

    def __call__(self, address: str) -> End[Source] | None:
        """Return the open repository at an address; None where nothing leads to it."""
        with self._lock:
            if address not in self._ends:
                self._ends[address] = self._opened(address)
            return self._ends[address]

    def _opened(self, address: str) -> End[Source] | None:
        try:
            repository = self._given.get(address) or resolved(address)
            if repository.address != address:
                return None
            return self._stack.enter_context(opened_source(repository))
        except CatalogError:
            return None  # an address that tells too little, or a folder that is not allowed
