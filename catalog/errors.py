"""Every error of the project.

Each inherits from `CatalogError` and a built-in like it, carries its facts, and holds no secret::

    CatalogError
    ├── InvalidInput(ValueError)          a value from outside that cannot be used
    │   ├── UnknownProvider(LookupError)
    │   ├── UnsafePath                    a name that would leave its root
    │   ├── NameNotAllowed                a name that a storage cannot hold
    │   ├── PathConflict                  `a` beside `a/b` at a destination with folders
    │   ├── ManifestError                 a line of a manifest that cannot be read
    │   ├── ContentConflict               other bytes are there, and nothing may be overwritten
    │   ├── DigestNotAllowed              only digests that the settings do not trust
    │   ├── NothingMatched                no resources matched
    │   └── SecretInUrl                   a password inside an address
    ├── RepositoryNotFound(LookupError)
    ├── NotRecorded(LookupError)          no such plan, run or version
    ├── PlanRefused(RuntimeError)         a stored plan that was not carried out
    │   ├── GuardCrossed                  it exceeds a guard
    │   ├── PlanOutdated                  its source or destinations have changed since
    │   └── BytesMissing                  bytes that it needs cannot be found anywhere
    ├── CatalogBroken(RuntimeError)       a catalog that is newer, edited, or refused a batch
    │   └── CatalogUnavailable            missing, empty, replaced or unreadable: maybe for now
    ├── CatalogTimeout(TimeoutError)
    │   └── AnswerTimeout                 a query exceeded its time, or its caller left
    ├── Cancelled(RuntimeError)           the stop flag was set
    └── StorageError(OSError)             a storage said no; `retryable` says whether to try again
        ├── ResourceNotFound(FileNotFoundError)
        ├── AccessDenied(PermissionError)
        ├── ResourceChanged               not the planned bytes any more (412, other etag)
        ├── NotSupported                  this storage cannot do that
        ├── Archived                      must be restored from an archive tier first
        ├── UnexpectedReply               a status or answer that no retry will fix
        ├── StorageFull                   no room for the file
        ├── StorageBusy                   429, 503; carries `retry_after_s`
        ├── StorageFailed                 other 5xx and temporary faults
        ├── ConnectionFailed(ConnectionError)
        ├── TransferTimeout(TimeoutError)
        └── IntegrityError
            ├── SizeMismatch              carries `expected` and `found`, bytes
            └── DigestMismatch            carries `expected` and `found`, `algorithm:hex`
"""

from __future__ import annotations

from typing import Any


class CatalogError(Exception):
    """Any error that the project raises on purpose."""


class InvalidInput(CatalogError, ValueError):
    """An input cannot be used; nothing was done."""


class UnknownProvider(InvalidInput, LookupError):
    """No provider has this type or this URL scheme."""

    def __init__(self, kind: str, known: tuple[str, ...]) -> None:
        """Name the unknown `kind` and all that is known."""
        unknown = f"no provider registered for repositories of type {kind!r}"
        super().__init__(f"{unknown}; known types: {', '.join(known)}")
        self.kind, self.known = kind, known


class UnsafePath(InvalidInput):
    """A path would leave its root."""

    def __init__(self, path: str, why: str) -> None:
        """Name the `path` and the rule it breaks."""
        super().__init__(f"unsafe path {path!r}: {why}")
        self.path = path


class NameNotAllowed(InvalidInput):
    """A storage cannot store a resource under this name."""

    def __init__(self, path: str, where: str, why: str) -> None:
        """Name the `path`, the storage (`where`), and the rule."""
        super().__init__(f"{where} cannot store the name {path!r}: {why}")
        self.path, self.where = path, where


class PathConflict(InvalidInput):
    """A file and a folder would need the same name."""

    def __init__(self, file: str, below: str) -> None:
        """Name the `file` and the path that needs it as a folder (`below`)."""
        super().__init__(f"{file!r} is a file, but {below!r} needs it to be a folder")
        self.file, self.below = file, below


class ManifestError(InvalidInput):
    """A manifest cannot be read."""

    def __init__(self, name: str, line: int, why: str) -> None:
        """Name the manifest, the line, counted from 1, and what is wrong there."""
        super().__init__(f"manifest {name!r}, line {line}: {why}")
        self.name, self.line = name, line


class DigestNotAllowed(InvalidInput):
    """The source declared digests, but none that the settings trust."""

    def __init__(self, path: str, declared: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        """Name the `path`, the algorithms `declared`, and those `allowed`."""
        only = f"{path!r} declares only {', '.join(declared)}"
        super().__init__(f"{only}, none of the trusted digests {', '.join(allowed)}")
        self.path, self.declared, self.allowed = path, declared, allowed


class NothingMatched(InvalidInput):
    """No resources matched, and an empty selection was not allowed."""


class SecretInUrl(InvalidInput):
    """An address contains a password; it belongs in a repository's credentials."""

    def __init__(self, scheme: str) -> None:
        """Name the `scheme` only: the address contains the secret."""
        where = "store it in the credential fields of a Repository block, never in an address"
        super().__init__(f"the {scheme}:// address contains a password; {where}")


class RepositoryNotFound(CatalogError, LookupError):
    """There is no repository of this name."""


class NotRecorded(CatalogError, LookupError):
    """The catalog has no such plan, run or version."""

    def __init__(self, kind: str, name: str) -> None:
        """Name the `kind` of thing, and which one was asked for."""
        super().__init__(f"the catalog has no {kind} {name!r}")
        self.kind, self.name = kind, name


class ContentConflict(InvalidInput):
    """A path has other bytes already, and overwriting was not allowed."""


class PlanRefused(CatalogError, RuntimeError):
    """A stored plan was not carried out; `reasons` are the first of `count`."""

    def __init__(self, plan_id: str, why: str, reasons: tuple[str, ...], count: int = 0) -> None:
        """Name the plan, why it was refused, and the first reasons in detail."""
        first = f"plan {plan_id} was not carried out: {why}"
        super().__init__("\n  ".join((first, *reasons[:20])))
        self.plan_id, self.reasons, self.count = plan_id, reasons, count or len(reasons)


class GuardCrossed(PlanRefused):
    """A plan exceeds its guards, and nobody approved it."""


class PlanOutdated(PlanRefused):
    """The source or a destination changed since the plan was made."""


class BytesMissing(PlanRefused):
    """Bytes that a plan needs cannot be found anywhere."""


class CatalogBroken(CatalogError, RuntimeError):
    """The catalog is newer than this program, was edited, or rejected an order."""


class CatalogUnavailable(CatalogBroken):
    """The catalog is missing, empty, was replaced, or cannot be read."""


class CatalogTimeout(CatalogError, TimeoutError):
    """The catalog did not answer in time."""


class AnswerTimeout(CatalogTimeout):
    """A query of the catalog exceeded its time, or its caller left."""


class Cancelled(CatalogError, RuntimeError):
    """The run was asked to stop; unfinished work was undone."""


class StorageError(CatalogError, OSError):
    """A storage failed at one resource; `retryable` says whether a retry may help."""

    retryable: bool = False
    code: str = "storage-error"

    def __init__(self, message: str, *, path: str = "", status: int | None = None) -> None:
        """Say what was tried and found; keep `path` and `status` (HTTP, if any)."""
        super().__init__(message)
        self.message, self.path, self.status = message, path, status

    def __str__(self) -> str:
        """Return the message alone, never OSError's tuple form."""
        return self.message


class ResourceNotFound(StorageError, FileNotFoundError):
    """The storage has no such resource."""

    code = "not-found"


class AccessDenied(StorageError, PermissionError):
    """The storage refuses these credentials."""

    code = "access-denied"


class ResourceChanged(StorageError):
    """The resource changed since it was planned; the next run plans it again."""

    code = "changed"


class NotSupported(StorageError):
    """The storage cannot do that at all."""

    code = "not-supported"


class Archived(StorageError):
    """The file is in an archive tier of its storage and must be restored before it is read."""

    code = "archived"

    def __init__(self, path: str, where: str, kind: str) -> None:
        """Name the `path`, the storage (`where`) and the storage class (`kind`), if known."""
        kept = f"archived as {kind}" if kind else "archived"
        message = f"{where}: {path!r} is {kept}; restore it there, then run again"
        super().__init__(message, path=path)


class UnexpectedReply(StorageError):
    """The storage gave an answer that no retry will fix."""

    code = "unexpected-reply"


class StorageFull(StorageError):
    """The storage has no room for the file."""

    code = "full"


class StorageBusy(StorageError):
    """The storage asks to slow down (429, 503)."""

    retryable, code = True, "busy"

    def __init__(self, message: str, *, retry_after_s: float | None = None, **facts: Any) -> None:  # noqa: ANN401 - path, status
        """Keep the storage's own `retry_after_s`, if it gave one."""
        super().__init__(message, **facts)
        self.retry_after_s = retry_after_s


class StorageFailed(StorageError):
    """The storage failed, probably temporarily (5xx)."""

    retryable, code = True, "storage-failed"


class ConnectionFailed(StorageError, ConnectionError):
    """The connection was refused or reset, or could not be established."""

    retryable, code = True, "connection-failed"


class TransferTimeout(StorageError, TimeoutError):
    """No data was transferred within the time allowed."""

    retryable, code = True, "timeout"


class IntegrityError(StorageError):
    """The bytes are not the expected ones."""

    retryable, code, what = True, "integrity", ""

    def __init__(self, path: str, expected: str | int, found: str | int, what: str = "") -> None:
        """Name the `path`, what was `expected` and what was `found`."""
        before, now = (f"{one:,}" if isinstance(one, int) else one for one in (expected, found))
        facts = f"expected {what or self.what} {before}, found {now}"
        super().__init__(f"{path!r}: {facts}", path=path)
        self.expected, self.found = str(expected), str(found)


class SizeMismatch(IntegrityError):
    """Too few or too many bytes came."""

    code, what = "size-mismatch", "size"


class DigestMismatch(IntegrityError):
    """The bytes that came have another digest; both are `algorithm:hex`."""

    code, what = "digest-mismatch", "digest"
