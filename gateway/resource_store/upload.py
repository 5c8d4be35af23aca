"""Uploads of single versions, which are verified before they become visible."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from catalog.errors import DigestMismatch, InvalidInput, NotSupported, SizeMismatch
from catalog.model.digest import Digest, Hasher
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.uploads import DeletionRequest, ExpectedVersion
from gateway.resource_store.version_claims import Claim, ClaimTarget
from providers.base import Attributes, Chunk, Reader, Storage, Stored, Writer
from transfer.workers.limits import RequestLimiter
from transfer.workers.stop import StopFlag

_PLAIN = re.compile(r"[!-~]([ -~]{0,1022}[!-~])?")


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """The metadata given with an upload; the content must match `expected`."""

    content_type: str | None = None
    size: int | None = None
    expected: tuple[Digest, ...] = ()
    properties: Mapping[str, str] | None = None
    encoding: str | None = None
    compression: str | None = None
    data: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be sent as a header in downloads."""
        texts = {"type": self.content_type, "encoding": self.encoding}
        for key, value in {**texts, "compression": self.compression, "data": self.data}.items():
            if value is not None and not _PLAIN.fullmatch(value):
                raise InvalidInput(f"the {key} {value[:80]!r} must be a single line of ASCII text")


class UploadTarget(Protocol):
    """The interface of a store that an upload needs."""

    limiter: RequestLimiter
    stop: StopFlag

    def describe_stored(
        self, target: ClaimTarget, hasher: Hasher, facts: UploadFacts
    ) -> ResourceVersion:
        """Return the metadata of bytes stored under a claim."""
        ...

    def record(
        self,
        created: Sequence[ResourceVersion],
        remove: Sequence[DeletionRequest] = (),
        stands_on: ExpectedVersion | None = None,
    ) -> object:
        """Record new versions in the catalog."""
        ...

    def clear(self, target: ClaimTarget) -> None:
        """Remove what is stored at a claimed path, unless it is in the catalog."""
        ...


class Upload:
    """An upload: write the bytes, then finish, or abort."""

    def __init__(
        self, store: UploadTarget, claim: Claim, writer: Writer, facts: UploadFacts
    ) -> None:
        """Start with nothing written."""
        self._store, self._claim, self._writer, self.facts = store, claim, writer, facts
        self._hasher = Hasher(digest.algorithm for digest in facts.expected)
        self._committed = False

    @property
    def size(self) -> int:
        """Return the number of bytes written."""
        return self._hasher.size

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes."""
        self._hasher.update(chunk)
        self._writer.write(chunk)
        self._store.limiter.throttle(len(chunk), self._store.stop)

    def finish(
        self,
        facts: UploadFacts | None = None,
        *,
        stands_on: ExpectedVersion | None = None,
        before: Callable[[ResourceVersion], object] | None = None,
    ) -> ResourceVersion:
        """Verify the content, make it visible, and record it.

        `facts` are those known only now, such as form fields after the file; `before` is called
        with the version right before it is recorded.

        Raises:
            IntegrityError: the content does not match; it is discarded.
        """
        final = self.facts if facts is None else facts
        target = self._claim.target
        _verify(target.name, self._hasher, final, self.facts.expected)
        stored = self._writer.commit(self._hasher.digest())
        self._committed = True
        if stored.size != self._hasher.size:
            raise SizeMismatch(target.name, self._hasher.size, stored.size)
        created = self._store.describe_stored(target, self._hasher, final)
        if before is not None:
            before(created)
        self._store.record([created], stands_on=stands_on)
        self._claim.release()
        return created

    def abort(self) -> None:
        """Discard the upload; do nothing after `finish` succeeded."""
        if not self._claim.held:
            return
        try:
            self._writer.abort()
            if self._committed:
                self._store.clear(self._claim.target)
        except BaseException:
            self._claim.abandon()
            raise
        self._claim.release()

    def __enter__(self) -> Self:
        """Return the upload."""
        return self

    def __exit__(self, *_: object) -> None:
        """Abort the upload if it is not finished."""
        self.abort()


def write_verified(
    storage: Storage, path: str, reader: Reader, facts: UploadFacts, stop: StopFlag
) -> Stored:
    """Write a reader to a path of a storage, and commit it only if it matches the facts."""
    writer = storage.write(path, Attributes(facts.content_type), size=facts.size)
    hasher = Hasher(digest.algorithm for digest in facts.expected)
    try:
        for chunk in reader:
            stop.check()
            hasher.update(chunk)
            writer.write(chunk)
        _verify(path, hasher, facts, facts.expected)
        return writer.commit(hasher.digest())
    except BaseException:
        writer.abort()
        raise
    finally:
        reader.close()


def _verify(name: str, hasher: Hasher, facts: UploadFacts, hashed: tuple[Digest, ...]) -> None:
    if facts.size is not None and facts.size != hasher.size:
        raise SizeMismatch(name, facts.size, hasher.size)
    known = {"sha256", *(one.algorithm for one in hashed)}
    for one in facts.expected:
        if one.algorithm not in known:
            raise NotSupported(
                f"{name!r}: the {one.algorithm} digest came too late to be verified: "
                "send it before the file, or as a header"
            )
        found = hasher.digest(one.algorithm)
        if found != one:
            raise DigestMismatch(name, str(one), str(found))


def other_digests(digests: Sequence[Digest]) -> tuple[str, ...]:
    """Return the digests other than sha256 as text."""
    return tuple(str(digest) for digest in digests if digest.algorithm != "sha256")
