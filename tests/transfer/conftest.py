"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transfer.endpoints import OPENED


@pytest.fixture(autouse=True)
def closed_storages() -> Iterator[None]:
    """Close every storage that a test opened."""
    yield
    while OPENED:
        OPENED.pop().close()
