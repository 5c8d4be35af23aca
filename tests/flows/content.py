"""What readers see of a destination with the layout `content`, and the process that writes one."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from catalog.manifest import parse_manifest
from providers.by_digest import content_path

Read = Callable[[str], bytes]
"""Read a file below the destination's root, as any reader does: without our code."""


def shown(read: Read) -> dict[str, bytes]:
    """Return the set that `current` names, each file whole and of the digest that it tells."""
    found: dict[str, bytes] = {}
    lines = read("current").decode().splitlines(keepends=True)
    for one in parse_manifest("current", lines):
        sha256 = one.digests[0].value
        data = read(content_path(sha256))
        assert len(data) == one.size
        assert hashlib.sha256(data).hexdigest() == sha256
        found[one.path] = data
    return found


class Reader:
    """Reads the set over and over in a thread; `seen` are the different sets, in order."""

    def __init__(self, read: Read) -> None:
        """Begin with nothing seen."""
        self._read = read
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
                found = shown(self._read)
                self.rounds += 1
                if not self.seen or self.seen[-1] != found:
                    self.seen.append(found)
        except BaseException as error:  # noqa: BLE001 - raised where the test waits
            self._failure = error


def main() -> None:
    """Sync `argv[1]` to the folder `argv[2]`, killed as `argv[3]` is about to get its name."""
    from blocks.repository import Layout, Repository  # noqa: PLC0415 - imports Prefect
    from catalog.plan import Mode  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from providers.local import LocalSettings  # noqa: PLC0415

    end = Path(sys.argv[2])
    if len(sys.argv) > 3:
        die_before(end, sys.argv[3])
    layout = Repository(storage=LocalSettings(path=str(end)), layout=Layout.CONTENT)
    sync(sys.argv[1], [layout], mode=Mode.MIRROR)


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
