"""A target of the matrix while it runs: a real server behind a proxy, and ways behind its back."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from catalog.paths import RESERVED
from providers.base import OpenOptions, ProviderSettings, Timeouts
from providers.interfaces.history import HISTORY
from providers.shared.temporary_names import is_temporary
from tests.faults.kit.disk import full
from tests.faults.kit.fault_kinds import Fault, Operation
from tests.faults.kit.http_proxy import HttpProxy
from tests.faults.kit.target_profiles import TargetProfile
from tests.faults.kit.tcp_proxy import TcpProxy
from tests.faults.kit.trigger import Armed, Trigger

DICE = random.Random(12)  # noqa: S311 - the same bytes each time
SMALL = DICE.randbytes(40_000)
LARGE = DICE.randbytes(9 * 2**20)  # a large one to the engine, two parts to an object store
OLD = DICE.randbytes(20_000)
TINY = {f"d2/file-{number:02}.txt": b"%d" % number * 20 for number in range(30)}
READ = {"d1/small.bin": SMALL, "d1/large.bin": LARGE}
HELD = {**TINY, **READ}
"""What a place that is listed and read holds."""
OPTIONS = OpenOptions(
    connections=4, timeouts=Timeouts(connect_s=2.0, read_s=2.0, write_s=2.0, total_s=10.0)
)
LEFT = 200_000  # bytes free on a full disk: a small file fits


@dataclass(frozen=True, slots=True)
class Corner:
    """A folder of a place that one try has for itself."""

    settings: ProviderSettings
    seed: Callable[[str, bytes], object]
    look: Callable[[], Mapping[str, bytes]]
    """Return every file that lies there, asked of the server itself; our own corner too."""
    clear: Callable[[], object] = lambda: None
    """Make room again, where room is scarce."""


@dataclass(slots=True)
class Target:
    """A running place."""

    profile: TargetProfile
    corner: Callable[[str], Corner]
    wires: Mapping[Operation, TcpProxy] = field(default_factory=dict[Operation, TcpProxy])
    webs: Mapping[Operation, HttpProxy] = field(default_factory=dict[Operation, HttpProxy])
    disk: Path | None = None
    held: Corner | None = None
    _filled: bool = False

    def fresh(self) -> Corner:
        """Return an empty corner."""
        return self.corner(uuid4().hex[:12])

    def filled(self) -> Corner:
        """Return the corner that holds `HELD`, which nobody changes."""
        if self.held is None:
            corner = self.fresh()
            for path, data in HELD.items():
                corner.seed(path, data)
            self.held = corner
        return self.held

    @contextmanager
    def armed(self, strike: Trigger, operation: Operation) -> Generator[Armed | None]:
        """Let a fault lie in wait for an operation while the block lasts."""
        with self._armed(strike, operation) as armed:
            yield armed

    def _armed(self, strike: Trigger, operation: Operation) -> AbstractContextManager[Armed | None]:
        if strike.fault is Fault.FULL:
            return full(self.disk, LEFT) if self.disk is not None else nullcontext()
        if strike.fault in {
            Fault.TOO_MANY,
            Fault.BUSY,
            Fault.SIZE,
            Fault.ETAG,
            Fault.AWAY,
        } and (web := self.webs.get(operation)):
            return web.armed(strike)
        return self.wires[operation].armed(strike)


def visible(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what others see of a place."""
    return {
        path: data
        for path, data in found.items()
        if not path.startswith(f"{RESERVED}/") and not is_temporary(path)
    }


def kept(found: Mapping[str, bytes]) -> set[bytes]:
    """Return what lies in the history of a place."""
    return {data for path, data in found.items() if path.startswith(f"{HISTORY}/")}


def tree(root: Path) -> dict[str, bytes]:
    """Read every file below a folder."""
    return {
        one.relative_to(root).as_posix(): one.read_bytes()
        for one in sorted(root.rglob("*"))
        if one.is_file()
    }


def emptied(root: Path) -> Callable[[], object]:
    """Return what removes a folder."""
    return lambda: shutil.rmtree(root, ignore_errors=True)


def put_file(root: Path, path: str, data: bytes) -> None:
    """Write a file below a folder."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
