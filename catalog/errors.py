"""Every error of the project.

Each inherits from `CatalogError` and a built-in like it, carries its facts, and holds no secret::

    CatalogError
    ├── InvalidInput(ValueError)          a value from outside that cannot be used
    │   ├── UnknownProvider(LookupError)
    │   ├── UnsafePath                    a name that would leave its root
    │   ├── NameNotAllowed                a name that a storage cannot hold
    │   ├── PathConflict                  `a` beside `a/b` where the destination is a tree
    │   ├── ManifestError                 a line of a manifest that cannot be read
    │   ├── ContentConflict               other bytes stand where nothing is to be overwritten
    │   ├── DigestNotAllowed              only digests that the policy forbids
    │   ├── NothingMatched                no resources matched
    │   └── SecretInUrl                   a password inside an address
    ├── RepositoryNotFound(LookupError)
    ├── NotRecorded(LookupError)          no plan, run or version of that name
    ├── PlanRefused(RuntimeError)         a stored plan that was not carried out
    │   ├── GuardCrossed                  it does more than its guards allow
    │   ├── PlanOutdated                  what it stands on has moved since
    │   └── BytesMissing                  bytes that it needs are nowhere to be had
    ├── CatalogBroken(RuntimeError)       a catalog that is newer, edited, or refused a batch
    │   └── CatalogUnavailable            gone, empty, replaced or unreadable: it may come back
    ├── CatalogTimeout(TimeoutError)
    │   └── AnswerTimeout                 a question took longer than it may, or nobody waits
    ├── Cancelled(RuntimeError)           the stop flag was set
    └── StorageError(OSError)             a storage said no; `retryable` says whether to try again
        ├── ResourceNotFound(FileNotFoundError)
        ├── AccessDenied(PermissionError)
        ├── ResourceChanged               not the bytes that were planned (412, other etag)
        ├── NotSupported                  this storage cannot do that
        ├── Archived                      it has to be restored from an archive first
        ├── UnexpectedReply               a status or answer that no retry will mend
        ├── StorageFull                   no room for the file
        ├── StorageBusy                   429, 503; carries `retry_after_s`
        ├── StorageFailed                 other 5xx and passing faults
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
    """A value from outside cannot be used; nothing was done."""


class UnknownProvider(InvalidInput, LookupError):
    """No provider bears that type or speaks that scheme."""

    def __init__(self, kind: str, known: tuple[str, ...]) -> None:
        """Name the unknown `kind` and all that is known."""
        unknown = f"no provider registered for repositories of type {kind!r}"
        super().__init__(f"{unknown}; known: {', '.join(known)}")
        self.kind, self.known = kind, known


class UnsafePath(InvalidInput):
    """A name from outside would leave its root."""

    def __init__(self, path: str, why: str) -> None:
        """Name the `path` and the rule it breaks."""
        super().__init__(f"unsafe path {path!r}: {why}")
        self.path = path


class NameNotAllowed(InvalidInput):
    """A storage cannot hold a resource of this name."""

    def __init__(self, path: str, where: str, why: str) -> None:
        """Name the `path`, the storage (`where`), and the rule."""
        super().__init__(f"{where} cannot hold the name {path!r}: {why}")
        self.path, self.where = path, where


class PathConflict(InvalidInput):
    """A file and a folder would need the same name."""

    def __init__(self, file: str, below: str) -> None:
        """Name the `file` and the path that needs it as a folder (`below`)."""
        super().__init__(f"{file!r} is a file but {below!r} needs it as a folder")
        self.file, self.below = file, below


class ManifestError(InvalidInput):
    """A manifest cannot be read."""

    def __init__(self, name: str, line: int, why: str) -> None:
        """Name the manifest, the line, counted from 1, and what is wrong there."""
        super().__init__(f"manifest {name!r}, line {line}: {why}")
        self.name, self.line = name, line


class DigestNotAllowed(InvalidInput):
    """Only digests were declared that the policy does not trust."""

    def __init__(self, path: str, declared: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        """Name the `path`, the algorithms `declared`, and those `allowed`."""
        told = f"{path!r} declares only {', '.join(declared)}"
        super().__init__(f"{told}, none of the trusted digests {', '.join(allowed)}")
        self.path, self.declared, self.allowed = path, declared, allowed


class NothingMatched(InvalidInput):
    """No resources matched, and that was not allowed."""


class SecretInUrl(InvalidInput):
    """An address carries a password; put it into a repository's credentials instead."""

    def __init__(self, scheme: str) -> None:
        """Name the `scheme` only: the address holds the secret."""
        where = "store it in the credential fields of a Repository block, never in an address"
        super().__init__(f"the {scheme}:// address holds a password; {where}")


class RepositoryNotFound(CatalogError, LookupError):
    """No repository bears that name."""


class NotRecorded(CatalogError, LookupError):
    """The catalog holds no plan, run or version of that name."""

    def __init__(self, kind: str, name: str) -> None:
        """Name the `kind` of thing, and which one was asked for."""
        super().__init__(f"the catalog holds no {kind} {name!r}")
        self.kind, self.name = kind, name


class ContentConflict(InvalidInput):
    """Other bytes stand at a path, and nothing was to be overwritten."""


class PlanRefused(CatalogError, RuntimeError):
    """A stored plan was not carried out; `named` holds the first of `count` reasons against it."""

    def __init__(self, plan_id: str, why: str, reasons: tuple[str, ...], count: int = 0) -> None:
        """Name the plan, the reason, and the first things that stand against it."""
        first = f"plan {plan_id} was not carried out: {why}"
        super().__init__("\n  ".join((first, *reasons[:20])))
        self.plan_id, self.reasons, self.count = plan_id, reasons, count or len(reasons)


class GuardCrossed(PlanRefused):
    """A plan does more than its guards allow, and nobody approved it."""


class PlanOutdated(PlanRefused):
    """What a plan stands on has moved since it was made."""


class BytesMissing(PlanRefused):
    """Bytes that a plan needs are nowhere to be had."""


class CatalogBroken(CatalogError, RuntimeError):
    """The catalog is newer than this program, was edited, or refused a batch."""


class CatalogUnavailable(CatalogBroken):
    """The catalog is gone, empty, another one, or cannot be read: nothing is known meanwhile."""


class CatalogTimeout(CatalogError, TimeoutError):
    """The catalog did not answer in time."""


class AnswerTimeout(CatalogTimeout):
    """A question to the catalog took longer than it may, or whoever asked has left."""


class Cancelled(CatalogError, RuntimeError):
    """The run was asked to stop; what was under way has been undone."""


class StorageError(CatalogError, OSError):
    """A storage failed at one resource; `retryable` says whether another try may help."""

    retryable: bool = False
    code: str = "storage-error"

    def __init__(self, message: str, *, path: str = "", status: int | None = None) -> None:
        """Say what was tried and found; `path` and `status` (HTTP, if any) stay readable."""
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
    """The resource is not the one that was planned; it is planned anew by the next run."""

    code = "changed"


class NotSupported(StorageError):
    """The storage cannot do that at all."""

    code = "not-supported"


class Archived(StorageError):
    """The storage keeps the file in an archive; somebody has to restore it before it is read."""

    code = "archived"

    def __init__(self, path: str, where: str, kind: str) -> None:
        """Name the `path`, the storage (`where`) and its class (`kind`), where that is known."""
        kept = f"archived as {kind}" if kind else "archived"
        super().__init__(
            f"{where}: {path!r} is {kept}; restore it first, then run again", path=path
        )


class UnexpectedReply(StorageError):
    """The storage answered what no retry will mend."""

    code = "unexpected-reply"


class StorageFull(StorageError):
    """The storage has no room for the file."""

    code = "full"


class StorageBusy(StorageError):
    """The storage asks for patience (429, 503)."""

    retryable, code = True, "busy"

    def __init__(self, message: str, *, retry_after_s: float | None = None, **facts: Any) -> None:  # noqa: ANN401 - path, status
        """Carry the storage's own `retry_after_s`, where it named one; other facts as all do."""
        super().__init__(message, **facts)
        self.retry_after_s = retry_after_s


class StorageFailed(StorageError):
    """The storage failed in a way that may pass (5xx)."""

    retryable, code = True, "storage-failed"


class ConnectionFailed(StorageError, ConnectionError):
    """The connection was refused, reset, or could not be made."""

    retryable, code = True, "connection-failed"


class TransferTimeout(StorageError, TimeoutError):
    """Nothing came or went for the time allowed."""

    retryable, code = True, "timeout"


class IntegrityError(StorageError):
    """The bytes are not the ones that were expected."""

    retryable, code, what = True, "integrity", ""

    def __init__(self, path: str, expected: str | int, found: str | int, what: str = "") -> None:
        """Name the `path`, what was `expected` and what was `found`."""
        told = f"expected {what or self.what} {expected}, found {found}"
        super().__init__(f"{path!r}: {told}", path=path)
        self.expected, self.found = str(expected), str(found)


class SizeMismatch(IntegrityError):
    """Too few or too many bytes came; it names both sizes."""

    code, what = "size-mismatch", "size"


class DigestMismatch(IntegrityError):
    """The bytes that came have another digest; it names both, as `algorithm:hex`."""

    code, what = "digest-mismatch", "digest"
