"""The repositories that an export reads from, each opened when it is first needed.

Stored blocks are loaded from Prefect in the context of the flow, which other threads do not have.
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
from transfer.batch.endpoints import Endpoint


class OpenRepositories:
    """Finds repositories by address: given ones, stored ones, or by the address alone."""

    def __init__(self, given: Iterable[Repository]) -> None:
        """Prefer the `given` repositories, which have credentials."""
        self._given = tuple(given)
        self._context = copy_context()
        self._ends: dict[str, Endpoint[Source] | None] = {}
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start with nothing open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all."""
        self._stack.close()

    def __call__(self, address: str) -> Endpoint[Source] | None:
        """Return the open repository at an address, or None if there is no way to it."""
        with self._lock:
            if address not in self._ends:
                self._ends[address] = self._context.run(self._open, address)
            return self._ends[address]

    def _open(self, address: str) -> Endpoint[Source] | None:
        try:
            for repository in readable_repositories([address], self._given):
                return self._stack.enter_context(open_source(repository))
        except CatalogError:
            return None  # such as a folder that is not allowed, or a failed login
        return None
