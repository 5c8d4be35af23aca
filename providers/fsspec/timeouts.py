"""An end to waiting for a library: fsspec's own calls wait for ever, whatever happens below them.

aiohttp hangs where a server sends a request away while it waits for leave to send its body.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem

from providers.base import Timeouts

MIN_TIMEOUT_S = 300.0  # one call moves at most a small file
MIN_BYTES_PER_S = 2**14  # bytes a second
_BOUNDED = frozenset(
    {"info", "ls", "cat_file", "pipe_file", "rm_file", "makedirs", "cp_file", "exists"}
)


class TimeoutFilesystem:
    """A filesystem whose calls end."""

    def __init__(self, filesystem: AbstractFileSystem, timeouts: Timeouts) -> None:
        """Wait so long as `timeouts` say for a whole request, or long enough for any."""
        self._filesystem = filesystem
        self._total_s = timeouts.total_s
        self._timeout_s = timeouts.total_s or max(MIN_TIMEOUT_S, 10 * timeouts.read_s)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is
        """Return the filesystem's own, bounded where fsspec waits for a coroutine."""
        found: Any = getattr(self._filesystem, name)
        if not inspect.iscoroutinefunction(getattr(found, "__wrapped__", None)):
            return found
        if name == "put_file":
            return functools.partial(self._put_file, found)
        return functools.partial(found, timeout=self._timeout_s) if name in _BOUNDED else found

    def _put_file(self, put_file: Callable[..., object], source: str, target: str) -> None:
        """Send a file; the larger it is, the longer it may take."""
        timeout_s = self._total_s or self._timeout_s + Path(source).stat().st_size / MIN_BYTES_PER_S
        put_file(source, target, timeout=timeout_s)
