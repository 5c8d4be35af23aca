"""A sampling profiler for flame graphs.

>>> text = profile(30)                                           # doctest: +SKIP
>>> Path("gateway.folded").write_text(text)                      # doctest: +SKIP

Each line is `outermost;…;innermost count`, for flamegraph.pl or speedscope.app. It contains
names of functions and files, but no values.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from types import FrameType

from catalog.errors import InvalidInput
from gateway.http.errors import ProfileUnderWay

MAX_S = 60.0
EVERY_S = 0.01
MAX_DEPTH = 200  # frames

_one_at_a_time = threading.Lock()


def profile(seconds: float) -> str:
    """Sample all other threads for some seconds, blocking; return collapsed stacks.

    Raises:
        InvalidInput: the duration is not between 0 and a minute.
        ProfileUnderWay: another profile is running.
    """
    if not 0 < seconds <= MAX_S:
        raise InvalidInput(f"a profile may take up to {MAX_S:g} seconds, not {seconds!r}")
    if not _one_at_a_time.acquire(blocking=False):
        raise ProfileUnderWay("another profile is running: try again later")
    try:
        return collapsed_stacks(_sample(seconds))
    finally:
        _one_at_a_time.release()


def collapsed_stacks(stacks: Counter[str]) -> str:
    """Return stacks as text, the most frequent first."""
    return "".join(f"{stack} {count}\n" for stack, count in stacks.most_common())


def _sample(seconds: float) -> Counter[str]:
    found: Counter[str] = Counter()
    frames = sys._current_frames  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented
    own, end = threading.get_ident(), time.monotonic() + seconds
    while True:
        names = {entry.ident: entry.name for entry in threading.enumerate()}
        for thread, frame in frames().items():
            if thread != own:
                found[f"{_escape(names.get(thread) or str(thread))};{_stack(frame)}"] += 1
        left = end - time.monotonic()
        if left <= 0:
            return found
        time.sleep(min(EVERY_S, left))


def _stack(innermost: FrameType) -> str:
    names: list[str] = []
    frame: FrameType | None = innermost
    while frame is not None and len(names) < MAX_DEPTH:
        module = frame.f_globals.get("__name__", "?")
        names.append(_escape(f"{module}.{frame.f_code.co_qualname}:{frame.f_lineno}"))
        frame = frame.f_back
    return ";".join(reversed(names))


def _escape(text: str) -> str:
    return text.replace(";", ",").replace(" ", "_")
