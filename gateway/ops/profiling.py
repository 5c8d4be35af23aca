"""Where the gateway spends its time: samples of every thread's stack, for a flame graph.

>>> text = profile(30)                                           # doctest: +SKIP
>>> Path("gateway.folded").write_text(text)                      # doctest: +SKIP

Each line is `outermost;…;innermost count`, which flamegraph.pl and speedscope.app read. Only the
names of functions and files are told, no value of any variable.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from types import FrameType

from catalog.errors import InvalidInput
from gateway.http.errors import ProfileUnderWay

LONGEST_S = 60.0
EVERY_S = 0.01
DEEPEST = 200  # frames

_one_at_a_time = threading.Lock()


def profile(seconds: float) -> str:
    """Sample all other threads for some seconds, which it blocks; return collapsed stacks.

    Raises:
        InvalidInput: it would last for no time, or for more than a minute.
        ProfileUnderWay: somebody else takes one.
    """
    if not 0 < seconds <= LONGEST_S:
        raise InvalidInput(f"a profile lasts up to {LONGEST_S:g} seconds, not {seconds!r}")
    if not _one_at_a_time.acquire(blocking=False):
        raise ProfileUnderWay("a profile is being taken already; try again later")
    try:
        return collapsed_stacks(_sampled(seconds))
    finally:
        _one_at_a_time.release()


def collapsed_stacks(stacks: Counter[str]) -> str:
    """Return stacks as text, the most frequent first."""
    return "".join(f"{stack} {count}\n" for stack, count in stacks.most_common())


def _sampled(seconds: float) -> Counter[str]:
    found: Counter[str] = Counter()
    frames = sys._current_frames  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented
    own, end = threading.get_ident(), time.monotonic() + seconds
    while True:
        names = {one.ident: one.name for one in threading.enumerate()}
        for thread, frame in frames().items():
            if thread != own:
                found[f"{_word(names.get(thread) or str(thread))};{_stack(frame)}"] += 1
        left = end - time.monotonic()
        if left <= 0:
            return found
        time.sleep(min(EVERY_S, left))


def _stack(innermost: FrameType) -> str:
    names: list[str] = []
    frame: FrameType | None = innermost
    while frame is not None and len(names) < DEEPEST:
        module = frame.f_globals.get("__name__", "?")
        names.append(_word(f"{module}.{frame.f_code.co_qualname}:{frame.f_lineno}"))
        frame = frame.f_back
    return ";".join(reversed(names))


def _word(text: str) -> str:
    return text.replace(";", ",").replace(" ", "_")
