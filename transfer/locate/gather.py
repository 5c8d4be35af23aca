"""Gather: bring bytes that are known by digest from wherever they lie into a file, verified.

What the catalog tells of a place may be outdated: bytes that turn out to be others are dropped,
and the next place is asked.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from catalog.errors import (
    CatalogError,
    DigestMismatch,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
)
from catalog.model.digest import Digest, Hasher
from providers.base import Source
from providers.layouts.content_names import stored_path
from providers.local.storage import LocalStorage, Placement
from providers.shared.os_errors import translate_os_error
from transfer.batch.endpoints import End
from transfer.workers.retry import persistent
from transfer.workers.stop import StopFlag

THREADS = 8
AHEAD = 64  # files begun before the first of them is taken
CHUNK = 2**20  # bytes
NAMED = 20  # files that a message names

T = TypeVar("T")
R = TypeVar("R")
Opener = Callable[[str], "End[Source] | None"]
"""Open the repository at an address, where something leads to it."""


class BytesNowhere(CatalogError, LookupError):
    """Bytes that were asked for are nowhere to be had; `named` says which, and why."""

    def __init__(self, what: str, named: tuple[str, ...]) -> None:
        """Name `what` could not be done, and every file that stands against it."""
        first = f"{what}: the bytes of {len(named)} files are nowhere to be had"
        more = [f"… and {len(named) - NAMED} more"] if len(named) > NAMED else []
        super().__init__("\n  ".join((first, *named[:NAMED], *more)))
        self.named = named


@dataclass(frozen=True, slots=True)
class GatherRequest:
    """Bytes: their name for people, their digest, and where they lie, the nearest place first.

    Without a digest, they are what stands at the first place, with this etag and time.
    """

    name: str
    size: int | None
    digest: str | None  # sha256, hex
    places: tuple[tuple[str, str], ...]  # (address, path)
    etag: str | None = None
    modified_us: int | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """Bytes that are here now: the name that was asked for, their size and sha256."""

    name: str
    size: int
    digest: str  # sha256, hex


class _TargetFailed(Exception):
    """The file that is being made cannot be written: no other place will help."""

    def __init__(self, error: StorageError) -> None:
        self.error = error


class Gatherer:
    """Reads from any place that can be opened; safe to share between threads."""

    def __init__(
        self, opener: Opener, stop: StopFlag, placement: Placement = Placement.COPY
    ) -> None:
        """Find repositories with `opener`; link to local files where `placement` says so."""
        self._opener = opener
        self._stop = stop
        self._placement = placement

    def bring(self, wanted: GatherRequest, target: Path) -> Gathered:
        """Make the file `target` out of the first place that has the bytes.

        Raises:
            ResourceNotFound: none has them; what each answered is said.
        """
        reasons: list[str] = []
        for address, path in wanted.places:
            end = self._opener(address)
            if end is None:
                reasons.append(f"nothing leads to {address}")
                continue
            path = stored_path(end.storage, path, wanted.digest)  # noqa: PLW2901
            act = partial(self._bring, wanted, end, path, target)
            try:
                return persistent(act, end.retry, self._stop)[0]
            except _TargetFailed as failed:
                raise failed.error from failed
            except StorageError as error:
                reasons.append(f"{address}: {error}")
        why = "; ".join(reasons) or "the catalog knows no place of it"
        raise ResourceNotFound(f"{wanted.name!r}: {why}", path=wanted.name)

    def _bring(self, wanted: GatherRequest, end: End[Source], path: str, target: Path) -> Gathered:
        try:
            linked = self._linked(wanted, end.storage, path, target)
            return linked or self._copied(wanted, end, path, target)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, StorageError):
                raise _TargetFailed(translate_os_error(error, str(target))) from error
            raise

    def _copied(self, wanted: GatherRequest, end: End[Source], path: str, target: Path) -> Gathered:
        hasher = Hasher()
        pin = wanted.etag if wanted.digest is None else None
        with end.gate.connection(self._stop):
            reading = end.storage.read(path, etag=pin)
            try:
                with target.open("wb") as file:
                    for chunk in reading:
                        self._stop.check()
                        hasher.update(chunk)
                        file.write(chunk)
                        end.gate.pass_bytes(len(chunk), self._stop)
            finally:
                reading.close()
        resource = reading.resource
        if resource.size is not None and hasher.size != resource.size:
            raise SizeMismatch(path, resource.size, hasher.size)  # broken off: worth a retry
        if (
            wanted.digest is None
            and None not in (wanted.modified_us, resource.modified_us)
            and wanted.modified_us != resource.modified_us
        ):
            raise ResourceChanged(f"{path!r} was written anew since it was listed", path=path)
        if wanted.modified_us is not None:
            nanoseconds = wanted.modified_us * 1000
            os.utime(target, ns=(nanoseconds, nanoseconds))
        return _checked(wanted, hasher)

    def _linked(
        self, wanted: GatherRequest, storage: Source, path: str, target: Path
    ) -> Gathered | None:
        """Link to a local file and read what is linked; None where it must be copied."""
        if self._placement is Placement.COPY or not isinstance(storage, LocalStorage):
            return None
        storage.stat(path)  # refuses what leads out of its root
        origin = os.path.realpath(f"{storage.root}/{path}")
        if self._placement is Placement.SYMLINK:
            target.symlink_to(origin)
        else:
            try:
                os.link(origin, target)
            except OSError as error:
                if error.errno in (errno.EXDEV, errno.EMLINK, errno.EPERM):
                    return None
                raise
        hasher = Hasher()
        with target.open("rb") as file:
            while chunk := file.read(CHUNK):
                self._stop.check()
                hasher.update(chunk)
        return _checked(wanted, hasher)


def zero_weight(item: object) -> int:  # noqa: ARG001 - what `weigh` is told
    """Weigh nothing."""
    return 0


def map_in_order(
    work: Callable[[T], R],
    items: Iterable[T],
    stop: StopFlag,
    *,
    weigh: Callable[[T], int] = zero_weight,
    held: int = 0,
) -> Iterator[R]:
    """Yield `work` of each item in order, some of them under way at once.

    Those that were begun and not taken weigh at most `held` together, or are one.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="entrepot-gather")
    waiting: deque[tuple[Future[R], int]] = deque()
    weight = 0

    def first() -> R:
        nonlocal weight
        future, weighs = waiting.popleft()
        weight -= weighs
        return future.result()

    try:
        for item in items:
            weighs = weigh(item)
            while waiting and (len(waiting) >= AHEAD or weight + weighs > held):
                yield first()
            weight += weighs
            waiting.append((pool.submit(work, item), weighs))
        while waiting:
            yield first()
    except BaseException:
        stop.set()  # what is under way ends soon
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _checked(wanted: GatherRequest, hasher: Hasher) -> Gathered:
    """Compare all that came; a whole file of other bytes is no use to try again."""
    found = hasher.digest()
    if wanted.digest is not None and found.value != wanted.digest:
        mismatch = DigestMismatch(wanted.name, str(Digest("sha256", wanted.digest)), str(found))
        raise ResourceChanged(str(mismatch), path=wanted.name)
    if wanted.size is not None and hasher.size != wanted.size:
        raise ResourceChanged(
            f"{wanted.name!r}: expected {wanted.size} bytes, found {hasher.size}", path=wanted.name
        )
    return Gathered(wanted.name, hasher.size, found.value)
