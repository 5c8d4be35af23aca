"""Places of the matrix: each started when it is first tried, and ended with the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.kit.target import Target
from tests.faults.kit.targets.trees import started
from tests.servers.process import ServerMissingError


@pytest.fixture(scope="session")
def place_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Target]]:
    """Return what gives a place by its name."""
    known: dict[str, Target] = {}
    with ExitStack() as stack:

        def give(name: str) -> Target:
            if name not in known:
                folder = tmp_path_factory.mktemp("place")
                try:
                    known[name] = stack.enter_context(started(name, folder))
                except ServerMissingError as missing:
                    pytest.skip(str(missing))
            return known[name]

        yield give
