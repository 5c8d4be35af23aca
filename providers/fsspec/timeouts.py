"""Time-outs for fsspec's calls, which would otherwise wait for ever.

For example, aiohttp hangs if a server redirects a request that waits for `100 Continue`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem

from providers.base import Timeouts

MIN_TIMEOUT_S = 300.0  # one call transfers at most a small file
MIN_BYTES_PER_S = 2**14  # bytes a second
_BOUNDED = frozenset(
    {"info", "ls", "cat_file", "pipe_file", "rm_file", "makedirs", "cp_file", "exists"}
)


class TimeoutFilesystem:
    """A filesystem whose calls have time-outs."""

    def __init__(self, filesystem: AbstractFileSystem, timeouts: Timeouts) -> None:
        """Use the total time-out, or a generous default."""
        self._filesystem = filesystem
        self._total_s = timeouts.total_s
        self._timeout_s = timeouts.total_s or max(MIN_TIMEOUT_S, 10 * timeouts.read_s)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is
        """Return the filesystem's attribute, with a time-out if it waits for a coroutine."""
        found: Any = getattr(self._filesystem, name)
        if not inspect.iscoroutinefunction(getattr(found, "__wrapped__", None)):
            return found
        if name == "put_file":
            return functools.partial(self._put_file, found)
        return functools.partial(found, timeout=self._timeout_s) if name in _BOUNDED else found

    def _put_file(self, put_file: Callable[..., object], source: str, target: str) -> None:
        """Upload a file, with a time-out that depends on its size."""
        timeout_s = self._total_s or self._timeout_s + Path(source).stat().st_size / MIN_BYTES_PER_S
        put_file(source, target, timeout=timeout_s)
