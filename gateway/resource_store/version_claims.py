"""Claims: each number of a resource's version is held by one upload at a time, whoever uploads.

A claim is a file, locked while its upload lasts: the kernel frees it when a process dies. It says
where the bytes go, so that whoever finds it free later can remove what a dead upload left there.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from gateway.resource_store.file_locks import lock_file

WRITTEN = 100  # looks at a claim that is just being made, a millisecond each
BEGINS_S = 60.0  # an empty claim older than this belongs to nobody


@dataclass(frozen=True, slots=True)
class ClaimTarget:
    """What a claim is about."""

    tenant: str
    name: str
    version: int
    address: str
    path: str
    count: int = 1  # so many numbers from `version` on are held by it


class VersionNumbers(Protocol):
    """What is known of the place that a claim names, and of the numbers of its resource."""

    def next_version(self, name: str) -> int:
        """Return the lowest number above all that a name ever had."""
        ...

    def was_used(self, target: ClaimTarget) -> bool:
        """Say whether a version has the number already, or had it."""
        ...

    def is_free(self, target: ClaimTarget) -> bool:
        """Say whether nothing lies there."""
        ...

    def clear(self, target: ClaimTarget) -> None:
        """Remove what a dead upload left there, unless the catalog knows it by now."""
        ...


class Claim:
    """A claim that is held; release it when its upload has ended, whichever way."""

    def __init__(self, file: Path, descriptor: int, target: ClaimTarget) -> None:
        """Own the locked `descriptor` of `file`."""
        self._file = file
        self._descriptor: int | None = descriptor
        self.target = target

    @property
    def held(self) -> bool:
        """Say whether it was not released yet."""
        return self._descriptor is not None

    def release(self) -> None:
        """Let others have the number, if it was not used; may be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._file.unlink(missing_ok=True)
            os.close(descriptor)

    def abandon(self) -> None:
        """Leave it for whoever sweeps, since what lies there could not be removed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Claims:
    """The claims of one catalog, in a folder beside it."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`."""
        self._folder = folder

    def claim(self, name: str, target: Callable[[int], ClaimTarget], use: VersionNumbers) -> Claim:
        """Claim the lowest number of a name that nobody had or holds, and where nothing lies.

        It is looked at again once it is held, since another upload may have ended in between. Of a
        claim of several numbers nobody may hold any: who comes later passes over all of them.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        version = use.next_version(name)
        while True:
            claim = self._try_claim(target(version), use)
            if claim is None:
                version = self._next_after(target(version))
                continue
            try:
                beyond = self._highest_held(claim.target)
                if beyond is not None:
                    claim.release()
                    version = beyond + 1
                    continue
                if not use.was_used(claim.target) and use.is_free(claim.target):
                    return claim
            except BaseException:
                claim.release()
                raise
            claim.release()
            version += 1

    def abandoned(self) -> Iterator[Claim]:
        """Yield each claim whose holder died, held now; release it when it was cleared up.

        Any that is still held when the next is asked for is left as it was found.
        """
        if not self._folder.is_dir():
            return
        for file in sorted(self._folder.iterdir()):
            if _is_being_created(file):
                continue
            descriptor = lock_file(file, os.O_RDWR)
            if descriptor is None:
                continue
            try:
                target = ClaimTarget(**json.loads(file.read_bytes()))
            except (ValueError, TypeError):  # killed before it was written: nothing had begun
                file.unlink(missing_ok=True)
                os.close(descriptor)
                continue
            claim = Claim(file, descriptor, target)
            try:
                yield claim
            finally:
                claim.abandon()

    def _next_after(self, target: ClaimTarget) -> int:
        """Return the number behind all that somebody else's claim holds."""
        file = self._file(target)
        for _ in range(WRITTEN):
            try:
                found = json.loads(file.read_bytes())
            except FileNotFoundError:
                return target.version  # it was let go of
            except ValueError:
                time.sleep(0.001)  # it is locked, and not written yet
                continue
            return target.version + int(found.get("count", 1))
        return target.version + 1

    def _highest_held(self, target: ClaimTarget) -> int | None:
        """Return the highest number that others hold of those that a claim would hold."""
        if target.count == 1:
            return None
        stem = self._file(target).name.partition(".")[0]
        numbers = [int(one.name.rpartition(".")[2]) for one in self._folder.glob(f"{stem}.*")]
        last = target.version + target.count - 1
        return max((one for one in numbers if target.version < one <= last), default=None)

    def _file(self, target: ClaimTarget) -> Path:
        name = hashlib.sha256(f"{target.tenant}\x1f{target.name}".encode()).hexdigest()[:40]
        return self._folder / f"{name}.{target.version}"

    def _try_claim(self, target: ClaimTarget, use: VersionNumbers) -> Claim | None:
        file = self._file(target)
        descriptor = lock_file(file, os.O_RDWR | os.O_CREAT)
        if descriptor is None:
            return None
        claim = Claim(file, descriptor, target)
        try:
            if os.fstat(descriptor).st_size:
                use.clear(target)  # its holder died
            text = json.dumps(asdict(target)).encode()
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, text, 0)
        except BaseException:
            claim.abandon()
            raise
        return claim


def _is_being_created(file: Path) -> bool:
    """Say whether a claim is just being made: who locks it now would take it away."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return True
    return not found.st_size and time.time() - found.st_mtime < BEGINS_S
