"""Stores the resources of a tenant: first the bytes, then the catalog entry, or nothing.

Each version is stored at `<folder>/<version>/<name>` in one repository and never changes. Deleted
versions are removed first from the catalog, then from the storage, once no process reads them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from catalog.catalog import Catalog
from catalog.errors import ResourceNotFound, StorageError
from catalog.model.digest import Hasher
from catalog.model.gap import files_collecting_gaps
from catalog.model.resource_version import EXTERNAL, ResourceVersion
from catalog.paths import RESERVED
from catalog.queries.resources.uploads import CopyRequest, DeletionRequest, ExpectedVersion
from gateway.resource_store.copy_and_delete import copy_versions, delete_versions
from gateway.resource_store.file_locks import ReadLocks
from gateway.resource_store.location import ResourceLocation
from gateway.resource_store.names import checked_name
from gateway.resource_store.upload import Upload, UploadFacts, other_digests
from gateway.resource_store.version_claims import Claim, Claims, ClaimTarget
from providers.base import Attributes, Source, Storage
from providers.connection_cache import STORAGES
from providers.interfaces.incomplete_uploads import SupportsIncompleteUploads
from providers.layouts.numbered_names import NUMBERS, number_key
from providers.shared.url import quote_path
from transfer.batch.endpoints import Endpoint
from transfer.workers.limits import limiter_for
from transfer.workers.stop import StopFlag

SOON_S = 0.5  # how long a deletion waits for bytes to be removed; the rest is removed later
OLD_S = 86_400.0  # after which a temporary file is abandoned
TEMPORARY = f"{RESERVED}/tmp"  # noqa: S108 - below the root of the repository


class ResourceStore:
    """The resources of one tenant; thread-safe."""

    def __init__(self, catalog: Catalog, repository: ResourceLocation, tenant: str) -> None:
        """Store the bytes in `repository`, which is opened on demand."""
        self.catalog, self.repository, self.tenant = catalog, repository, tenant
        self.stop = StopFlag()
        self.limiter = limiter_for(repository.address, repository.process_limits())
        self._claims = Claims(catalog.folder / "claims")
        self._read_locks = ReadLocks(catalog.folder / "readers")
        self._places = {repository.address: repository.settings.below(NUMBERS).address()}
        self._readers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._opened: Storage | None = None

    @property
    def storage(self) -> Storage:
        """Return the open storage."""
        with self._lock:
            if self._opened is None:
                settings, options = self.repository.settings, self.repository.open_options()
                self._opened = self._stack.enter_context(STORAGES.open(settings, options))
            return self._opened

    def close(self) -> None:
        """Close the storage."""
        self.stop.set()
        self._stack.close()

    def begin(self, name: str, facts: UploadFacts) -> Upload:
        """Start uploading the next version of a name.

        Raises:
            InvalidInput: the name is not safe.
        """
        name = checked_name(name)
        self.storage.check_name(number_key(name, "0"))
        claim = self.claim(name)
        try:
            attributes = Attributes(content_type=facts.content_type)
            writer = self.storage.write(claim.target.path, attributes, size=facts.size)
        except BaseException:
            claim.release()
            raise
        return Upload(self, claim, writer, facts)

    def put(self, name: str, data: bytes, facts: UploadFacts) -> ResourceVersion:
        """Upload bytes in memory."""
        with self.begin(name, replace(facts, size=len(data))) as upload:
            upload.write(data)
            return upload.finish()

    def upload_from(
        self, name: str, end: Endpoint[Source], path: str, facts: UploadFacts
    ) -> ResourceVersion:
        """Upload a file from another storage."""
        with end.limiter.connection(self.stop):
            reader = end.storage.read(path)
            try:
                kind = facts.content_type or reader.resource.content_type
                size = reader.resource.size if facts.size is None else facts.size
                upload_facts = replace(facts, content_type=kind, size=size)
                with self.begin(name, upload_facts) as upload:
                    for chunk in reader:
                        self.stop.check()
                        upload.write(chunk)
                    return upload.finish()
            finally:
                reader.close()

    def register(self, name: str, url: str, facts: UploadFacts) -> ResourceVersion:
        """Record an external URL as the next version of a name, without copying it."""
        name = checked_name(name)
        claim = self.claim(name)
        try:
            created = _describe(claim.target, facts, EXTERNAL, url)
            self.record([created])
        finally:
            claim.release()
        return created

    def copy(self, name: str, to: str, version: int | None = None) -> list[ResourceVersion]:
        """Copy every version of a name, or one, as the next versions of another name."""
        return copy_versions(self, self.catalog.resources.versions(checked_name(name), version), to)

    def move(self, name: str, to: str, version: int | None = None) -> list[ResourceVersion]:
        """Copy, and delete the originals, in one catalog transaction."""
        every = self.catalog.resources.versions(checked_name(name), version)
        return copy_versions(
            self, every, to, [DeletionRequest(one.name, one.version) for one in every]
        )

    def delete(
        self, name: str, version: int | None = None, stands_on: ExpectedVersion | None = None
    ) -> list[ResourceVersion]:
        """Delete every version of a name, or one; return the deleted versions."""
        gone = delete_versions(self, checked_name(name), version, stands_on)
        self.sweep(SOON_S)
        return gone

    def sweep(self, most_s: float = math.inf) -> int:
        """Remove the bytes of deleted versions that are not being read, and of dead uploads.

        What cannot be removed now, or within `most_s` seconds, is left for the next time.
        """
        until_s = time.monotonic() + most_s
        for claim in self._claims.abandoned():
            if claim.target.tenant != self.tenant or claim.target.address not in self._places:
                continue
            try:
                self.clear(claim.target)
            except StorageError:
                continue  # retried next time
            claim.release()
        every = self.catalog.resources.pending_deletions()
        paths = [one.path for one in every if one.address in self._places]
        gone: list[str] = []
        for path in paths:
            if time.monotonic() > until_s:
                break
            with self._lock:
                if self._readers[path]:
                    continue
            with self._read_locks.try_exclusive(self.repository.address, path) as unread:
                if unread and self._remove(path):
                    gone.append(path)
        if gone:
            self.catalog.resources.confirm_deleted(self.repository.address, gone)
        return len(gone)

    def _remove(self, path: str) -> bool:
        try:
            with self.limiter.connection(self.stop):
                self.storage.remove(path)
        except StorageError:
            return False  # retried next time
        return True

    def sweep_temporary(self, older_than_s: float = OLD_S) -> int:
        """Remove old temporary files and incomplete uploads of dead writers.

        Return how many files and uploads were removed.
        """
        before_us = (datetime.now(UTC).timestamp() - older_than_s) * 1e6
        count = 0
        if isinstance(self.storage, SupportsIncompleteUploads):
            uploads = self.storage.uploads()
            for begun in [one for one in uploads.unfinished() if one.began_us < before_us]:
                uploads.abort(begun)
                count += 1
        settings = self.repository.settings.below(TEMPORARY)
        with STORAGES.open(settings, self.repository.open_options()) as temporary:
            try:
                every = list(files_collecting_gaps(temporary.enumerate(), []))  # without gaps
            except ResourceNotFound:  # nothing was ever written
                return count
            for one in every:
                if one.modified_us is not None and one.modified_us < before_us:
                    temporary.remove(one.path)
                    count += 1
        return count

    @contextmanager
    def reading(self, path: str) -> Generator[None]:
        """Keep the bytes at a path from being removed during the block."""
        with self._lock:
            self._readers[path] += 1
        try:
            if self.storage.capabilities.random_access:  # an open file stays readable
                yield
            else:
                with self._read_locks.shared(self.repository.address, path):
                    yield
        finally:
            with self._lock:
                self._readers[path] -= 1
                if not self._readers[path]:
                    del self._readers[path]

    def record(
        self,
        created: Sequence[ResourceVersion],
        remove: Sequence[DeletionRequest] = (),
        stands_on: ExpectedVersion | None = None,
        copying: CopyRequest | None = None,
    ) -> object:
        """Record new, deleted and copied versions in the catalog."""
        return self.catalog.resources.change(
            created, remove, places=self._places, expected=stands_on, copying=copying
        )

    def describe_stored(
        self, target: ClaimTarget, hasher: Hasher, facts: UploadFacts
    ) -> ResourceVersion:
        """Return the metadata of bytes stored under a claim."""
        kind = str(self.repository.settings.model_dump(include={"type"})["type"])
        url = f"{self.repository.address.rstrip('/')}/{quote_path(target.path)}"
        return replace(
            _describe(target, facts, kind, url),
            size=hasher.size,
            digest=hasher.digest().value,
            address=target.address,
            path=target.path,
        )

    def next_version(self, name: str) -> int:
        """Return the next number that a name never had."""
        return self.catalog.resources.next_version(name)

    def was_used(self, target: ClaimTarget) -> bool:
        """Return whether a claimed number is, or was, used by a version."""
        return self.catalog.resources.version_was_used(target.name, target.version)

    def is_free(self, target: ClaimTarget) -> bool:
        """Return whether nothing is stored at a claimed path."""
        try:
            with self.limiter.connection(self.stop):
                self.storage.stat(target.path)
        except ResourceNotFound:
            return True
        return False

    def clear(self, target: ClaimTarget) -> None:
        """Remove what is stored at a claimed path, unless it is in the catalog."""
        if not self.catalog.resources.holds(target.address, target.path):
            with self.limiter.connection(self.stop):
                self.storage.remove(target.path)

    def claim(self, name: str, count: int = 1) -> Claim:
        """Claim the next `count` versions of a name, to be released when recorded or abandoned."""

        def target(version: int) -> ClaimTarget:
            path = number_key(name, str(version))
            return ClaimTarget(self.tenant, name, version, self.repository.address, path, count)

        return self._claims.claim(name, target, self)


def _describe(target: ClaimTarget, facts: UploadFacts, kind: str, url: str) -> ResourceVersion:
    """Return the metadata of a claimed version, from the facts given."""
    return ResourceVersion(
        target.name,
        target.version,
        datetime.now(UTC),
        facts.size,
        next((digest.value for digest in facts.expected if digest.algorithm == "sha256"), None),
        facts.content_type,
        kind,
        url,
        facts.encoding,
        facts.compression,
        facts.data,
        digests=other_digests(facts.expected),
        properties=dict(facts.properties or {}),
    )
