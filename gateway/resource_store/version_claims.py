"""Claims: each version number of a resource is held by one upload at a time, across processes.

A claim is a file, locked during its upload: the kernel releases it when a process dies. It contains
where the bytes are stored, so that the remains of a dead upload can be removed later.
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

WRITTEN = 100  # tries to read a claim that is just being created, a millisecond each
BEGINS_S = 60.0  # an empty claim older than this is abandoned


@dataclass(frozen=True, slots=True)
class ClaimTarget:
    """What a claim reserves."""

    tenant: str
    name: str
    version: int
    address: str
    path: str
    count: int = 1  # of numbers, from `version` on


class VersionNumbers(Protocol):
    """The interface to version numbers and stored bytes that claims need."""

    def next_version(self, name: str) -> int:
        """Return the next number that a name never had."""
        ...

    def was_used(self, target: ClaimTarget) -> bool:
        """Return whether the number is, or was, used by a version."""
        ...

    def is_free(self, target: ClaimTarget) -> bool:
        """Return whether nothing is stored at the path."""
        ...

    def clear(self, target: ClaimTarget) -> None:
        """Remove the remains of a dead upload, unless they are in the catalog."""
        ...


class Claim:
    """A held claim; release it when its upload has ended in any way."""

    def __init__(self, file: Path, descriptor: int, target: ClaimTarget) -> None:
        """Own the locked `descriptor` of `file`."""
        self._file = file
        self._descriptor: int | None = descriptor
        self.target = target

    @property
    def held(self) -> bool:
        """Return whether it is still held."""
        return self._descriptor is not None

    def release(self) -> None:
        """Release the number, if it was not used; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._file.unlink(missing_ok=True)
            os.close(descriptor)

    def abandon(self) -> None:
        """Leave it for the clean-up, because the stored bytes could not be removed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Claims:
    """The claims of one catalog, in a folder next to it."""

    def __init__(self, folder: Path) -> None:
        """Store them in `folder`."""
        self._folder = folder

    def claim(self, name: str, target: Callable[[int], ClaimTarget], use: VersionNumbers) -> Claim:
        """Claim the lowest unused number of a name that is not held, with nothing stored.

        This is checked again once it is held, because another upload may have ended in between. A
        claim of several numbers requires that none of them is held; later claims skip all of them.
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
        """Yield and hold each claim of a dead process; release it after the clean-up.

        Claims that are not released are kept.
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
            except (ValueError, TypeError):  # killed before it was written: nothing was uploaded
                file.unlink(missing_ok=True)
                os.close(descriptor)
                continue
            claim = Claim(file, descriptor, target)
            try:
                yield claim
            finally:
                claim.abandon()

    def _next_after(self, target: ClaimTarget) -> int:
        """Return the number after those of another claim."""
        file = self._file(target)
        for _ in range(WRITTEN):
            try:
                found = json.loads(file.read_bytes())
            except FileNotFoundError:
                return target.version  # released
            except ValueError:
                time.sleep(0.001)  # locked, but not written yet
                continue
            return target.version + int(found.get("count", 1))
        return target.version + 1

    def _highest_held(self, target: ClaimTarget) -> int | None:
        """Return the highest number of a claim's range that is held by another claim."""
        if target.count == 1:
            return None
        stem = self._file(target).name.partition(".")[0]
        numbers = [int(file.name.rpartition(".")[2]) for file in self._folder.glob(f"{stem}.*")]
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
    """Return whether a claim is just being created, and must not be locked by others."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return True
    return not found.st_size and time.time() - found.st_mtime < BEGINS_S
