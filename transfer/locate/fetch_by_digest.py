"""Fetches bytes that are known by digest from any of their locations into a file, verified.

A recorded location may be outdated: wrong bytes are dropped, and the next location is tried.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

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
from transfer.batch.endpoints import Endpoint
from transfer.workers.retry import call_with_retries
from transfer.workers.stop import StopFlag

CHUNK = 2**20  # bytes
MAX_NAMED = 20  # files in a message

Opener = Callable[[str], "Endpoint[Source] | None"]
"""Opens the repository at an address; None if it is not configured."""


class BytesNotFound(CatalogError, LookupError):
    """Requested bytes cannot be found anywhere; `files` says which, and why."""

    def __init__(self, what: str, files: tuple[str, ...]) -> None:
        """Name `what` could not be done, and every missing file."""
        first = f"{what}: the bytes of {len(files):,} files cannot be found anywhere"
        more = [f"… and {len(files) - MAX_NAMED:,} more"] if len(files) > MAX_NAMED else []
        super().__init__("\n  ".join((first, *files[:MAX_NAMED], *more)))
        self.files = files


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """Requested bytes: a name for messages, the digest, and their locations, the nearest first.

    Without a digest, it is the file at the first location, with this etag and time.
    """

    name: str
    size: int | None
    digest: str | None  # sha256, hex
    places: tuple[tuple[str, str], ...]  # (address, path)
    etag: str | None = None
    modified_us: int | None = None


@dataclass(frozen=True, slots=True)
class FetchedBytes:
    """Fetched bytes: the requested name, their size and sha256."""

    name: str
    size: int
    digest: str  # sha256, hex


class _TargetFailed(Exception):
    """The target file cannot be written: another location will not help."""

    def __init__(self, error: StorageError) -> None:
        self.error = error


class DigestFetcher:
    """Reads from any repository that can be opened; safe to share between threads."""

    def __init__(
        self, opener: Opener, stop: StopFlag, placement: Placement = Placement.COPY
    ) -> None:
        """Open repositories with `opener`; link to local files if `placement` says so."""
        self._opener = opener
        self._stop = stop
        self._placement = placement

    def fetch(self, wanted: DigestRequest, target: Path) -> FetchedBytes:
        """Create the file `target` from the first location that has the bytes.

        Raises:
            ResourceNotFound: none has them; gives the reason for each.
        """
        reasons: list[str] = []
        for address, path in wanted.places:
            end = self._opener(address)
            if end is None:
                reasons.append(f"{address} is not configured")
                continue
            path = stored_path(end.storage, path, wanted.digest)  # noqa: PLW2901
            act = partial(self._fetch_from, wanted, end, path, target)
            try:
                return call_with_retries(act, end.retry, self._stop)[0]
            except _TargetFailed as failed:
                raise failed.error from failed
            except StorageError as error:
                reasons.append(f"{address}: {error}")
        why = "; ".join(reasons) or "the catalog knows no location of it"
        raise ResourceNotFound(f"{wanted.name!r}: {why}", path=wanted.name)

    def _fetch_from(
        self, wanted: DigestRequest, end: Endpoint[Source], path: str, target: Path
    ) -> FetchedBytes:
        try:
            linked = self._link(wanted, end.storage, path, target)
            return linked or self._copy(wanted, end, path, target)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, StorageError):
                raise _TargetFailed(translate_os_error(error, str(target))) from error
            raise

    def _copy(
        self, wanted: DigestRequest, end: Endpoint[Source], path: str, target: Path
    ) -> FetchedBytes:
        hasher = Hasher()
        pin = wanted.etag if wanted.digest is None else None
        with end.limiter.connection(self._stop):
            reader = end.storage.read(path, etag=pin)
            try:
                with target.open("wb") as file:
                    for chunk in reader:
                        self._stop.check()
                        hasher.update(chunk)
                        file.write(chunk)
                        end.limiter.throttle(len(chunk), self._stop)
            finally:
                reader.close()
        resource = reader.resource
        if resource.size is not None and hasher.size != resource.size:
            raise SizeMismatch(path, resource.size, hasher.size)  # interrupted: worth a retry
        if (
            wanted.digest is None
            and None not in (wanted.modified_us, resource.modified_us)
            and wanted.modified_us != resource.modified_us
        ):
            raise ResourceChanged(f"{path!r} was written again since it was listed", path=path)
        if wanted.modified_us is not None:
            nanoseconds = wanted.modified_us * 1000
            os.utime(target, ns=(nanoseconds, nanoseconds))
        return _verify(wanted, hasher)

    def _link(
        self, wanted: DigestRequest, storage: Source, path: str, target: Path
    ) -> FetchedBytes | None:
        """Link to a local file and verify it; None if it must be copied."""
        if self._placement is Placement.COPY or not isinstance(storage, LocalStorage):
            return None
        storage.stat(path)  # refuses paths that lead out of its root
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
        return _verify(wanted, hasher)


def _verify(wanted: DigestRequest, hasher: Hasher) -> FetchedBytes:
    """Verify the received bytes; a complete file with other bytes is not retried."""
    found = hasher.digest()
    if wanted.digest is not None and found.value != wanted.digest:
        mismatch = DigestMismatch(wanted.name, str(Digest("sha256", wanted.digest)), str(found))
        raise ResourceChanged(str(mismatch), path=wanted.name)
    if wanted.size is not None and hasher.size != wanted.size:
        raise ResourceChanged(
            f"{wanted.name!r}: expected {wanted.size:,} bytes, found {hasher.size:,}",
            path=wanted.name,
        )
    return FetchedBytes(wanted.name, hasher.size, found.value)
