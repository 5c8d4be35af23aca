"""An error boundary around every storage: no library's exception gets past it.

Each provider translates the errors it expects. Unexpected ones are translated here, into an error
of `catalog.errors` that names the file and has the original as its cause.

>>> @error_boundary
... class Odd:
...     def stat(self, path: str) -> int:
...         return {}[path]
>>> Odd().stat("a")
Traceback (most recent call last):
    ...
catalog.errors.UnexpectedReply: 'a': the storage sent a reply that cannot be understood (KeyError)
"""

from __future__ import annotations

import errno
import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from catalog.errors import (
    AccessDenied,
    CatalogError,
    ConnectionFailed,
    StorageError,
    StorageFailed,
    StorageFull,
    TransferTimeout,
    UnexpectedReply,
)

C = TypeVar("C")
O_contra = TypeVar("O_contra", contravariant=True)
N_co = TypeVar("N_co", covariant=True)
Options = TypeVar("Options")
Connected = TypeVar("Connected")
_OS_ERRORS: tuple[tuple[type[OSError], type[StorageError]], ...] = (
    (PermissionError, AccessDenied),
    (TimeoutError, TransferTimeout),
    (ConnectionError, ConnectionFailed),
)
_SPECIAL = frozenset({"__iter__"})


class Connectable(Protocol[O_contra, N_co]):
    """Settings that can connect."""

    def address(self) -> str:
        """Return the location's address."""
        ...

    def connect(self, options: O_contra) -> N_co:
        """Connect."""
        ...


def error_boundary(kind: type[C]) -> type[C]:
    """Make the public methods of a storage, reader or writer raise only our errors."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") and name not in _SPECIAL:
            continue
        if isinstance(inspect.getattr_static(kind, name), staticmethod):
            continue
        if not hasattr(method, "is_error_boundary"):
            setattr(kind, name, _guard(method))
    return kind


def _guard(method: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(method) or inspect.iscoroutinefunction(method):
        return method  # awaited by our own code; the method that runs it is guarded
    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def guarded_generator(self: object, *given: Any, **named: Any) -> Generator[Any]:  # noqa: ANN401 - any method's
            try:
                yield from method(self, *given, **named)
            except BaseException as error:
                if (ours := _translate(error, self, given)) is None:
                    raise
                raise ours from error

        found: Callable[..., Any] = guarded_generator
    else:

        @functools.wraps(method)
        def guarded_call(self: object, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - any method's
            try:
                return method(self, *given, **named)
            except BaseException as error:
                if (ours := _translate(error, self, given)) is None:
                    raise
                raise ours from error

        found = guarded_call
    found.is_error_boundary = True  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] - a mark
    return found


def _translate(error: BaseException, of: object, given: tuple[object, ...]) -> StorageError | None:
    """Return our error for what a method of `of` raised; None if it needs no translation."""
    if isinstance(error, CatalogError) or not _is_foreign(error):
        return None
    return translate_error(error, _path(of, given))


def _path(self: object, given: tuple[object, ...]) -> str:
    """Return the path that a call is about, if it can be determined."""
    first = given[0] if given else None
    if isinstance(first, str):
        return first
    described = getattr(first, "path", None) or getattr(
        getattr(self, "resource", None), "path", None
    )
    return str(described or getattr(self, "_path", "") or "")


def _is_foreign(error: BaseException) -> bool:
    """Return whether a library raised it; includes Rust panics, which are no `Exception`."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def translate_error(error: BaseException, path: str) -> StorageError:
    """Return our error for any other exception."""
    if isinstance(error, StorageError):
        return error
    if not isinstance(error, OSError):
        named = type(error).__name__  # its text may quote an address with a secret
        return UnexpectedReply(
            f"{path!r}: the storage sent a reply that cannot be understood ({named})", path=path
        )
    message = f"{path!r}: {error.strerror or type(error).__name__}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(message, path=path)
    for kind, ours in _OS_ERRORS:
        if isinstance(error, kind):
            return ours(message, path=path)
    return StorageFailed(message, path=path)


def open_connection(settings: Connectable[Options, Connected], options: Options) -> Connected:
    """Connect with these settings, translating a library's errors."""
    try:
        return settings.connect(options)
    except CatalogError:
        raise
    except Exception as error:
        raise translate_error(error, settings.address()) from error
