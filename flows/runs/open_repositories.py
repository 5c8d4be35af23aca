"""The repositories that an export reads from, each opened when first needed.

What leads to them is asked of Prefect, in the context of the flow: threads have none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import ExitStack
from contextvars import copy_context
from typing import Self

from blocks.readable_repositories import readable_repositories
from blocks.repository import Repository
from catalog.errors import CatalogError
from providers.base import Source
from tasks.job import open_source
from transfer.batch.endpoints import End


class OpenRepositories:
    """Finds repositories by address: those given, stored ones, or what the address itself means."""

    def __init__(self, given: Iterable[Repository]) -> None:
        """Prefer the repositories `given`: they have credentials."""
        self._given = tuple(given)
        self._context = copy_context()
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
                self._ends[address] = self._context.run(self._opened, address)
            return self._ends[address]

    def _opened(self, address: str) -> End[Source] | None:
        try:
            for repository in readable_repositories([address], self._given):
                return self._stack.enter_context(open_source(repository))
        except CatalogError:
            return None  # a folder that is not allowed, or a login that fails
        return None
