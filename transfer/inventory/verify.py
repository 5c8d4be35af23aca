"""Reads the files of a repository and compares them with the digests of a version."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from catalog.errors import ResourceNotFound, StorageError, UnsafePath
from catalog.model.digest import Hasher
from catalog.model.finding import Fault, Finding
from catalog.model.version import ContentRow
from providers.base import Source
from providers.layouts.content_names import stored_path
from transfer.batch.endpoints import Endpoint
from transfer.workers.pool import WorkerPool
from transfer.workers.progress import Progress
from transfer.workers.stop import StopFlag

ROWS_PER_STEP = 2000


def verify_content(
    end: Endpoint[Source],
    rows: Iterable[ContentRow],
    stop: StopFlag,
    progress: Progress,
    threads: int = 64,
) -> list[Finding]:
    """Return the paths whose bytes differ from the version; rows without a digest are skipped."""
    findings: list[Finding] = []
    tries: dict[str, int] = {}

    def work(row: ContentRow) -> float | None:
        try:
            finding = _verify_file(end, row, stop, progress)
        except StorageError as error:
            tries[row.path] = tries.get(row.path, 0) + 1
            delay = end.retry.delay_s(tries[row.path], error)
            if delay is not None:
                return delay
            finding = Finding(row.path, Fault.UNREADABLE, found=str(error))
        if finding is not None:
            findings.append(finding)
        progress.count_item(failed=finding is not None)
        return None

    known = (row for row in rows if row.digest is not None)
    while step := list(islice(known, ROWS_PER_STEP)):
        WorkerPool(step, work, stop).run(threads)
    return sorted(findings, key=lambda one: one.path)


def _verify_file(
    end: Endpoint[Source], row: ContentRow, stop: StopFlag, progress: Progress
) -> Finding | None:
    hasher = Hasher()
    try:
        with end.limiter.connection(stop):
            reader = end.storage.read(stored_path(end.storage, row.path, row.digest, row.etag))
            try:
                for chunk in reader:
                    stop.check()
                    hasher.update(chunk)
                    progress.count_bytes(len(chunk))
                    end.limiter.throttle(len(chunk), stop)
            finally:
                reader.close()
    except ResourceNotFound:
        return Finding(row.path, Fault.MISSING)
    except UnsafePath as error:  # a link leads out of the root
        return Finding(row.path, Fault.UNREADABLE, found=str(error))
    actual = hasher.digest().value
    if actual != row.digest:
        return Finding(row.path, Fault.CORRUPT, f"sha256:{row.digest}", f"sha256:{actual}")
    return None
