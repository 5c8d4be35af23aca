"""Keeps what a delivery replaces or removes in the destination's history, so that it can return.

A file that the catalog knows is kept under its digest, any other under the run and its path. The
storage moves it if it can; otherwise its bytes are copied through this process.
"""

from __future__ import annotations

from catalog.errors import DigestMismatch, ResourceNotFound, SizeMismatch, StorageError, UnsafePath
from catalog.model.digest import Digest, Hasher
from catalog.model.fingerprint import EtagTrust, Fingerprint
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import Action
from catalog.model.resource import Resource
from providers.base import Attributes, Storage, Stored, Writer
from providers.interfaces.history import (
    KeepResult,
    SupportsFlush,
    SupportsHistory,
    history_key,
    unknown_history_key,
)
from transfer.batch.delivery import History
from transfer.batch.endpoints import Endpoint, StorageRef
from transfer.batch.staging import Staging, Transfer


def keep_previous(staging: Staging, transfer: Transfer, number: int) -> None:
    """Keep the file at one destination of a transfer, if it is about to be replaced or removed.

    Only once for a transfer and destination: afterwards the old file is gone from there.
    """
    area, recorded = _history_area(staging, transfer, number), transfer.item.previous_at(number)
    ends = _replaces_or_removes(transfer, number)
    if area is None or number in transfer.history_outcomes or not (ends or recorded):
        return
    end, path = staging.delivery.destinations[number], transfer.item.path
    outcomes: list[Outcome] = []
    try:
        current = _stat_if_present(end.storage, path) if ends else None
        known = (
            recorded is not None and current is not None and _is_unchanged(recorded, current, end)
        )
        if recorded is not None and not known:
            outcomes += _kept_by_killed_run(area, path, recorded)
        if current is not None:
            outcomes += _keep_file(
                staging, end, area, current, recorded.digest if recorded and known else None
            )
    except StorageError as error:
        error.message = f"{path!r} was not touched, since it could not be kept first: {error}"
        raise
    transfer.history_outcomes[number] = outcomes


def keep_and_commit(staging: Staging, transfer: Transfer, number: int, writer: Writer) -> Stored:
    """Commit a transfer at a destination, after keeping what it replaces.

    If that moves the old file away, the new one is flushed first: the disk may be full.
    """
    if keeps_at_commit(staging, transfer, number) and isinstance(writer, SupportsFlush):
        writer.flush()
    keep_previous(staging, transfer, number)
    return writer.commit(Digest("sha256", transfer.digest or ""))


def keep_before_writing(staging: Staging, transfer: Transfer, number: int) -> None:
    """Keep the old file now, unless the storage does so just before the commit."""
    if not keeps_at_commit(staging, transfer, number):
        keep_previous(staging, transfer, number)


def keeps_at_commit(staging: Staging, transfer: Transfer, number: int) -> bool:
    """Say whether the old file is kept just before the new one is committed."""
    if _history_area(staging, transfer, number) is None or not _replaces_or_removes(
        transfer, number
    ):
        return False
    storage = staging.delivery.destinations[number].storage
    return isinstance(storage, SupportsHistory) and storage.keeps_at_commit


def keeps_history(staging: Staging, number: int) -> bool:
    """Say whether a destination has a history and the run uses it."""
    wanted = staging.delivery.options.history is History.KEEP
    return wanted and staging.delivery.destinations[number].history is not None


def _history_area(staging: Staging, transfer: Transfer, number: int) -> StorageRef | None:
    """Return where a destination keeps files; None if it does not.

    An obstacle is held in any case, until the arrival that replaces it is there.
    """
    end = staging.delivery.destinations[number]
    if keeps_history(staging, number):
        return end.history
    return end.holding_area if transfer.clears_path else None


def _replaces_or_removes(transfer: Transfer, number: int) -> bool:
    """Say whether a transfer replaces or removes the file at a destination."""
    action = transfer.item.actions[transfer.item.destinations.index(number)]
    return action in (Action.REPLACE, Action.REMOVE)


def _stat_if_present(storage: Storage, path: str) -> Resource | None:
    try:
        return storage.stat(path)
    except (ResourceNotFound, UnsafePath):  # nothing, or a link that leads out of the root
        return None


def _is_unchanged(recorded: Fingerprint, current: Resource, end: Endpoint[Storage]) -> bool:
    etags = EtagTrust.FOLLOW if end.storage.capabilities.etags else EtagTrust.IGNORE
    return recorded.matches(current, etags)


def _kept_by_killed_run(area: StorageRef, path: str, recorded: Fingerprint) -> list[Outcome]:
    """Return what a killed run kept without recording it, if anything."""
    key = history_key(recorded.digest)
    with area.open() as history:
        try:
            found = history.stat(key)
        except ResourceNotFound:
            return []
    if recorded.size is not None and found.size != recorded.size:
        return []
    return [_outcome(area, path, key, recorded.digest, Stored(found.size or 0))]


def _keep_file(
    staging: Staging,
    end: Endpoint[Storage],
    area: StorageRef,
    current: Resource,
    digest: str | None,
) -> list[Outcome]:
    """Keep one file, by its storage or by copying; return nothing if it is gone by now."""
    path = current.path
    key = history_key(digest) if digest else unknown_history_key(staging.delivery.run_id, path)
    kept = (
        end.storage.keep(current, key)
        if isinstance(end.storage, SupportsHistory)
        else KeepResult.UNABLE
    )
    if kept is KeepResult.UNABLE:
        return [_keep_by_copying(staging, end, area, current, digest)]
    if kept is KeepResult.GONE:
        return []
    return [_outcome(area, path, key, digest, Stored(current.size or 0))]


def _keep_by_copying(
    staging: Staging,
    end: Endpoint[Storage],
    area: StorageRef,
    current: Resource,
    digest: str | None,
) -> Outcome:
    """Copy the file into the history; unexpected bytes are kept as foreign."""
    path = current.path
    with area.open() as history:
        if digest is not None:
            key = history_key(digest)
            try:
                if history.stat(key).size == current.size:
                    return _outcome(area, path, key, digest, Stored(current.size or 0))
            except ResourceNotFound:
                pass
            try:
                stored, _ = _copy_file(staging, end, history, current, key, digest)
            except DigestMismatch:
                digest = None
            else:
                return _outcome(area, path, key, digest, stored)
        key = unknown_history_key(staging.delivery.run_id, path)
        stored, digest = _copy_file(staging, end, history, current, key, None)
        return _outcome(area, path, key, digest, stored)


def _copy_file(
    staging: Staging,
    end: Endpoint[Storage],
    history: Storage,
    current: Resource,
    key: str,
    expected: str | None,
) -> tuple[Stored, str]:
    """Copy one file in chunks; return what was stored, and its digest."""
    stop, hasher = staging.delivery.stop, Hasher()
    attributes = Attributes(current.content_type, current.modified_us, sha256=expected)
    reader = end.storage.read(current.path, etag=current.etag)
    try:
        writer = history.write(key, attributes, size=current.size)
        try:
            for chunk in reader:
                stop.check()
                hasher.update(chunk)
                writer.write(chunk)
                end.limiter.throttle(len(chunk), stop)
            digest = hasher.digest()
            if current.size is not None and hasher.size != current.size:
                raise SizeMismatch(current.path, current.size, hasher.size)
            if expected is not None and digest.value != expected:
                raise DigestMismatch(current.path, str(Digest("sha256", expected)), str(digest))
            stored = writer.commit(digest)
        except BaseException:
            writer.abort()
            raise
    finally:
        reader.close()
    if stored.size != hasher.size:
        raise SizeMismatch(current.path, hasher.size, stored.size)
    return stored, digest.value


def _outcome(area: StorageRef, path: str, key: str, digest: str | None, stored: Stored) -> Outcome:
    """Return the outcome that records a kept file; without a digest it is no location."""
    return Outcome(
        destination=area.address,
        path=key,
        origin="",
        action=Action.ADD,
        status=Status.STORED,
        proof=Proof.STORED,
        digest=digest,
        size=stored.size,
        etag=stored.etag,
        modified_us=stored.modified_us,
        message=f"stood at {path!r}",
    )
