"""What readers see of a destination whose layout has sets, and the process that writes one."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from catalog.formats.manifest import parse_manifest
from catalog.model.resource import Resource
from providers.layouts.content_names import content_path
from providers.layouts.numbered_names import split_numbered_path

Read = Callable[[str], bytes]
"""Read a file below the destination's root, as any reader does: without our code."""


Shown = Callable[[Read], dict[str, bytes]]
"""Return the set that `current` names, each file whole and of the digest that it tells."""


def shown(read: Read) -> dict[str, bytes]:
    """Return the set of the layout `content`."""
    return {
        one.path: data for one, data in _each(read, lambda one: content_path(one.digests[0].value))
    }


def keys_shown(read: Read) -> dict[str, bytes]:
    """Return the set of the layout `versioned` under the names that `current` tells."""
    return {one.path: data for one, data in _each(read, lambda one: one.path)}


def shown_by_number(read: Read) -> dict[str, bytes]:
    """Return the set of the layout `versioned`."""
    found = {split_numbered_path(key): data for key, data in keys_shown(read).items()}
    return {one[0]: data for one, data in found.items() if one is not None}


def _each(read: Read, key: Callable[[Resource], str]) -> Iterator[tuple[Resource, bytes]]:
    lines = read("current").decode().split("\n")
    for one in parse_manifest("current", lines):
        sha256 = one.digests[0].value
        data = read(key(one))
        assert len(data) == one.size
        assert hashlib.sha256(data).hexdigest() == sha256
        yield one, data


class Reader:
    """Reads the set over and over in a thread; `seen` are the different sets, in order."""

    def __init__(self, read: Read, look: Shown = shown) -> None:
        """Begin with nothing seen."""
        self._read = read
        self._look = look
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self.seen: list[dict[str, bytes]] = []
        self.rounds = 0

    def __enter__(self) -> Self:
        """Start to read."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after the round under way; what failed in it is raised."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def alive(self) -> bool:
        """Say whether it still reads."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                found = self._look(self._read)
                self.rounds += 1
                if not self.seen or self.seen[-1] != found:
                    self.seen.append(found)
        except BaseException as error:  # noqa: BLE001 - raised where the test waits
            self._failure = error


def main() -> None:
    """Sync to a folder with a layout, killed as something is about to get its name.

    The arguments are: layout, source, folder, and what it is.
    """
    from blocks import repository as block  # noqa: PLC0415 - imports Prefect
    from catalog.model.plan import Mode  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    layout, source, end = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if len(sys.argv) > 4:
        die_before(end, sys.argv[4])
    settings = LocalSettings(path=str(end))
    made = block.Repository(storage=settings, layout=block.Layout(layout))
    sync(source, [made], mode=Mode.MIRROR)


def die_before(end: Path, moment: str) -> None:
    """Kill this process before `current` appears, or before the file of a given number does."""
    made = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal made
        if event != "os.rename" or end not in Path(str(args[1])).parents:
            return
        name = Path(str(args[1])).name
        made += name != "current"
        if name == moment or str(made) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
