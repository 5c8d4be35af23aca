"""The processes of the concurrency test: each does one thing over and over until `stop` appears.

The arguments are: role, name, and the folder of the test.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx

from tests.soak.history import GET, PUT, READ, Log

FILES = 8
RESOURCES = 3
PAUSE_S = (
    1.0  # of those that only use the catalog, so that flows get their share of a small machine
)


def content_of(who: str, number: int) -> dict[str, bytes]:
    """Return a set of files that differs from every other; half of its paths all sets share."""
    shared = {f"shared/{one}": f"{who} {number} {one}".encode() for one in range(FILES // 2)}
    own = {f"{who}/{one}": f"{who} {number} {one}".encode() for one in range(FILES // 2)}
    return shared | own


def digest_of(content: Mapping[str, str]) -> str:
    """Return one digest for a set of paths and their digests."""
    lines = "".join(f"{path} {content[path]}\n" for path in sorted(content))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def hashed(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the digest of each file."""
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


class Client:
    """One process, its log, and its part of the test's folder."""

    def __init__(self, name: str, folder: Path) -> None:
        """Take a name of one's own."""
        self.name, self.folder = name, folder
        self.end = str(folder / "end")
        self.log = Log(folder / "events" / f"{name}.jsonl", name)
        self.dice = random.Random(name)  # noqa: S311 - which version to bring back

    def going(self) -> bool:
        """Say whether to go on."""
        return not (self.folder / "stop").exists()

    def sync(self) -> None:
        """Bring one set after another to the destination, each whole."""
        from catalog.model.plan import Mode  # noqa: PLC0415
        from flows.forms.options import GuardSettings  # noqa: PLC0415
        from flows.sync import sync  # noqa: PLC0415 - imports Prefect

        source = self.folder / f"source-{self.name}"
        for number in count():
            if not self.going():
                return
            shutil.rmtree(source, ignore_errors=True)
            files = content_of(self.name, number)
            for path, data in files.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                (source / path).write_bytes(data)
            with self.log.event("sync") as told:
                result = sync(
                    str(source),
                    [self.end],
                    mode=Mode.MIRROR,
                    guards=GuardSettings(removal_share=None),
                )
                (row,) = result.destinations
                told.append(
                    replace(
                        told[0],
                        number=row.version,
                        made=row.new_version,
                        digest=digest_of(hashed(files)),
                    )
                )

    def restore(self) -> None:
        """Bring an earlier version back."""
        from flows.forms.options import GuardSettings  # noqa: PLC0415
        from flows.restore import restore  # noqa: PLC0415

        while self.going():
            latest = self._latest()
            if latest < 2:
                time.sleep(0.05)
                continue
            base = self.dice.randrange(max(1, latest - 5), latest)
            with self.log.event("restore") as told:
                result = restore(self.end, version=base, guards=GuardSettings(removal_share=None))
                (row,) = result.destinations
                told.append(replace(told[0], number=row.version, made=row.new_version, base=base))

    def keep(self) -> None:
        """Prune all that may go, and repair, in turn."""
        from flows.prune import prune  # noqa: PLC0415
        from flows.repair import repair  # noqa: PLC0415

        while self.going():
            if self._latest() < 1:
                time.sleep(0.05)
                continue
            with self.log.event("prune"):
                prune(self.end, protect_hours=0)
            with self.log.event("repair"):
                repair(self.end)

    def read(self) -> None:
        """Read the latest version, whole."""
        from catalog.catalog import Catalog  # noqa: PLC0415
        from catalog.errors import RepositoryNotFound  # noqa: PLC0415

        catalog, address = Catalog.open(), f"file://{self.end}"
        while self.going():
            with self.log.event(READ) as told:
                try:
                    number = catalog.versions.latest(address).number
                except RepositoryNotFound:
                    told.append(replace(told[0], number=0, digest=digest_of({})))
                    continue
                content = {
                    row.path: row.digest or "" for row in catalog.versions.content(address, number)
                }
                told.append(replace(told[0], number=number, digest=digest_of(content)))
            time.sleep(PAUSE_S)

    def write(self) -> None:
        """Hand orders to the catalog; half of the writers fold as well."""
        from catalog.catalog import Catalog  # noqa: PLC0415
        from tests.catalog import hammer  # noqa: PLC0415

        catalog = Catalog.open()
        folds = int(self.name.rpartition("-")[2]) % 2
        for number in count():
            if not self.going():
                return
            with self.log.event("order", f"{self.name}/{number}"):
                catalog.runs.record_outcomes(
                    hammer.RUN, hammer.PLAN, hammer.orders(f"{self.name}/{number}")
                )
            if folds:
                catalog.flush()
            time.sleep(PAUSE_S)

    def put(self) -> None:
        """Upload the next version of one's resource, over HTTP, and read what another's holds."""
        url = (self.folder / "gateway").read_text()
        resources = f"{url}/v1/default/resources"
        mine = int(self.name.rpartition("-")[2])
        with httpx.Client(timeout=120) as client:
            for number in count():
                if not self.going():
                    return
                time.sleep(PAUSE_S)
                data = f"{self.name} {number}".encode() * 20
                with self.log.event(PUT, f"r{mine}") as told:
                    reply = client.put(f"{resources}/upload/r{mine}", content=data)
                    reply.raise_for_status()
                    (stored,) = reply.json()["metadata"]
                    told.append(
                        replace(
                            told[0],
                            number=int(stored["version"]),
                            digest=hashlib.sha256(data).hexdigest(),
                        )
                    )
                other = f"r{self.dice.randrange(RESOURCES)}"
                with self.log.event(GET, other) as told:
                    reply = client.get(f"{resources}/download/{other}")
                    if reply.status_code == 404:
                        told.append(replace(told[0], kind="miss"))
                        continue
                    reply.raise_for_status()
                    told.append(replace(told[0], digest=hashlib.sha256(reply.content).hexdigest()))

    def _latest(self) -> int:
        from catalog.catalog import Catalog  # noqa: PLC0415

        return Catalog.open().versions.latest_number(f"file://{self.end}") or 0


def main() -> None:
    """Do what the arguments say."""
    role, name, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    work: Callable[[], None] = getattr(Client(name, folder), role)
    work()


if __name__ == "__main__":
    main()
