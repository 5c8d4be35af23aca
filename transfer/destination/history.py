"""What a delivery replaces or removes is kept at its destination first, so that it can come back.

A file that the catalog knows is kept under its digest, any other under the run and its path. It
stays inside its storage where that can be; elsewhere its bytes go through here.
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
from transfer.batch.endpoints import End, HistoryArea
from transfer.batch.staging import Piece, Staging


def keep(staging: Staging, piece: Piece, number: int) -> None:
    """Keep what stands at one destination of a piece, if it is to be replaced or removed.

    Once for a piece and destination: after it was kept, nothing of old stands there.
    """
    area, stood = _area(staging, piece, number), piece.item.stood(number)
    ends = _ends(piece, number)
    if area is None or number in piece.kept or not (ends or stood):
        return
    end, path = staging.delivery.destinations[number], piece.item.path
    made: list[Outcome] = []
    try:
        standing = _standing(end.storage, path) if ends else None
        known = stood is not None and standing is not None and _is_still(stood, standing, end)
        if stood is not None and not known:
            made += _left(area, path, stood)
        if standing is not None:
            made += _kept(staging, end, area, standing, stood.digest if stood and known else None)
    except StorageError as error:
        error.message = f"{path!r} was left as it is, for it could not be kept before: {error}"
        raise
    piece.kept[number] = made


def commit(staging: Staging, piece: Piece, number: int, writer: Writer) -> Stored:
    """Let a piece appear at a destination, having kept what it replaces.

    What moves the old file away first makes sure of the new one: the disk may be full.
    """
    if keeps_late(staging, piece, number) and isinstance(writer, SupportsFlush):
        writer.flush()
    keep(staging, piece, number)
    return writer.commit(Digest("sha256", piece.digest or ""))


def keep_early(staging: Staging, piece: Piece, number: int) -> None:
    """Keep it now, before anything is begun, unless its storage keeps at the last moment."""
    if not keeps_late(staging, piece, number):
        keep(staging, piece, number)


def keeps_late(staging: Staging, piece: Piece, number: int) -> bool:
    """Say whether something is to be kept, at the moment before its successor appears."""
    if _area(staging, piece, number) is None or not _ends(piece, number):
        return False
    storage = staging.delivery.destinations[number].storage
    return isinstance(storage, SupportsHistory) and storage.keeps_at_commit


def keeps(staging: Staging, number: int) -> bool:
    """Say whether a destination has a history, and the run lets it keep what it replaces."""
    wanted = staging.delivery.options.history is History.KEEP
    return wanted and staging.delivery.destinations[number].history is not None


def _area(staging: Staging, piece: Piece, number: int) -> HistoryArea | None:
    """Return where a destination keeps files; None where it does not.

    What makes way for an arrival is put aside in any case, until that is there.
    """
    end = staging.delivery.destinations[number]
    if keeps(staging, number):
        return end.history
    return end.aside if piece.makes_way else None


def _ends(piece: Piece, number: int) -> bool:
    """Say whether a piece puts an end to what stands at a destination."""
    action = piece.item.actions[piece.item.destinations.index(number)]
    return action in (Action.REPLACE, Action.REMOVE)


def _standing(storage: Storage, path: str) -> Resource | None:
    try:
        return storage.stat(path)
    except (ResourceNotFound, UnsafePath):  # nothing, or a link that leads out: it has no bytes
        return None


def _is_still(stood: Fingerprint, standing: Resource, end: End[Storage]) -> bool:
    etags = EtagTrust.FOLLOW if end.storage.capabilities.etags else EtagTrust.IGNORE
    return stood.is_still(standing, etags)


def _left(area: HistoryArea, path: str, stood: Fingerprint) -> list[Outcome]:
    """Return what a run kept that was killed before it could record that, if it was so."""
    key = history_key(stood.digest)
    with area.opened() as history:
        try:
            found = history.stat(key)
        except ResourceNotFound:
            return []
    if stood.size is not None and found.size != stood.size:
        return []
    return [_outcome(area, path, key, stood.digest, Stored(found.size or 0))]


def _kept(
    staging: Staging, end: End[Storage], area: HistoryArea, standing: Resource, digest: str | None
) -> list[Outcome]:
    """Keep one file inside its storage, or else through here; nothing where it is gone by now."""
    path = standing.path
    key = history_key(digest) if digest else unknown_history_key(staging.delivery.run_id, path)
    kept = (
        end.storage.keep(standing, key)
        if isinstance(end.storage, SupportsHistory)
        else KeepResult.UNABLE
    )
    if kept is KeepResult.UNABLE:
        return [_through_here(staging, end, area, standing, digest)]
    if kept is KeepResult.GONE:
        return []
    return [_outcome(area, path, key, digest, Stored(standing.size or 0))]


def _through_here(
    staging: Staging, end: End[Storage], area: HistoryArea, standing: Resource, digest: str | None
) -> Outcome:
    """Read the file and write it into the history; what is not as known is kept as foreign."""
    path = standing.path
    with area.opened() as history:
        if digest is not None:
            key = history_key(digest)
            try:
                if history.stat(key).size == standing.size:
                    return _outcome(area, path, key, digest, Stored(standing.size or 0))
            except ResourceNotFound:
                pass
            try:
                stored, _ = _copied(staging, end, history, standing, key, digest)
            except DigestMismatch:
                digest = None
            else:
                return _outcome(area, path, key, digest, stored)
        key = unknown_history_key(staging.delivery.run_id, path)
        stored, digest = _copied(staging, end, history, standing, key, None)
        return _outcome(area, path, key, digest, stored)


def _copied(
    staging: Staging,
    end: End[Storage],
    history: Storage,
    standing: Resource,
    key: str,
    expected: str | None,
) -> tuple[Stored, str]:
    """Copy one file chunk by chunk; return what was stored, and its digest."""
    stop, hasher = staging.delivery.stop, Hasher()
    attributes = Attributes(standing.content_type, standing.modified_us, sha256=expected)
    reading = end.storage.read(standing.path, etag=standing.etag)
    try:
        writer = history.write(key, attributes, size=standing.size)
        try:
            for chunk in reading:
                stop.check()
                hasher.update(chunk)
                writer.write(chunk)
                end.gate.pass_bytes(len(chunk), stop)
            digest = hasher.digest()
            if standing.size is not None and hasher.size != standing.size:
                raise SizeMismatch(standing.path, standing.size, hasher.size)
            if expected is not None and digest.value != expected:
                raise DigestMismatch(standing.path, str(Digest("sha256", expected)), str(digest))
            stored = writer.commit(digest)
        except BaseException:
            writer.abort()
            raise
    finally:
        reading.close()
    if stored.size != hasher.size:
        raise SizeMismatch(standing.path, hasher.size, stored.size)
    return stored, digest.value


def _outcome(area: HistoryArea, path: str, key: str, digest: str | None, stored: Stored) -> Outcome:
    """Return the outcome that makes a kept file a location; without a digest it is only told."""
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
