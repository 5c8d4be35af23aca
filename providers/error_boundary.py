"""The edge of every storage: what a library raises in there never crosses it.

Each provider translates what it expects, where it knows what that means. What nobody expected ends
here, in one place: an error of ours that names the file, with the library's own as its cause.

>>> @error_boundary
... class Odd:
...     def stat(self, path: str) -> int:
...         return {}[path]
>>> Odd().stat("a")
Traceback (most recent call last):
    ...
catalog.errors.UnexpectedReply: 'a': what the storage answers cannot be understood (KeyError)
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
Made = TypeVar("Made")
_OURS: tuple[tuple[type[OSError], type[StorageError]], ...] = (
    (PermissionError, AccessDenied),
    (TimeoutError, TransferTimeout),
    (ConnectionError, ConnectionFailed),
)
_SPECIAL = frozenset({"__iter__"})


class Connectable(Protocol[O_contra, N_co]):
    """Settings that connect."""

    def address(self) -> str:
        """Name the place."""
        ...

    def connect(self, options: O_contra) -> N_co:
        """Make the connection."""
        ...


def error_boundary(kind: type[C]) -> type[C]:
    """Let only errors of ours out of the methods of a storage, a reading or a writer."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") and name not in _SPECIAL:
            continue
        if isinstance(inspect.getattr_static(kind, name), staticmethod):
            continue
        if not hasattr(method, "at_the_edge"):
            setattr(kind, name, _guarded(method))
    return kind


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(method) or inspect.iscoroutinefunction(method):
        return method  # what our own code awaits; the method that runs it is guarded
    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def yielding(self: object, *given: Any, **named: Any) -> Generator[Any]:  # noqa: ANN401 - any method's
            try:
                yield from method(self, *given, **named)
            except BaseException as error:
                if (ours := _translated(error, self, given)) is None:
                    raise
                raise ours from error

        found: Callable[..., Any] = yielding
    else:

        @functools.wraps(method)
        def calling(self: object, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - any method's
            try:
                return method(self, *given, **named)
            except BaseException as error:
                if (ours := _translated(error, self, given)) is None:
                    raise
                raise ours from error

        found = calling
    found.at_the_edge = True  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] - a mark
    return found


def _translated(error: BaseException, of: object, given: tuple[object, ...]) -> StorageError | None:
    """Return an error of ours for what a call of a method of `of` raised; None where it stays."""
    if isinstance(error, CatalogError) or not _foreign(error):
        return None
    return translate_error(error, _path(of, given))


def _path(self: object, given: tuple[object, ...]) -> str:
    """Return the name of the file that a call is about, as far as that can be told."""
    first = given[0] if given else None
    if isinstance(first, str):
        return first
    described = getattr(first, "path", None) or getattr(
        getattr(self, "resource", None), "path", None
    )
    return str(described or getattr(self, "_path", "") or "")


def _foreign(error: BaseException) -> bool:
    """Say whether it is somebody else's: a panic of Rust counts, though it is no `Exception`."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def translate_error(error: BaseException, path: str) -> StorageError:
    """Return the error of ours that says what one of anybody else's does."""
    if isinstance(error, StorageError):
        return error
    if not isinstance(error, OSError):
        named = type(error).__name__  # its text may quote an address with a secret
        return UnexpectedReply(
            f"{path!r}: what the storage answers cannot be understood ({named})", path=path
        )
    said = f"{path!r}: {error.strerror or type(error).__name__}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(said, path=path)
    for kind, ours in _OURS:
        if isinstance(error, kind):
            return ours(said, path=path)
    return StorageFailed(said, path=path)


def open_connection(settings: Connectable[Options, Made], options: Options) -> Made:
    """Return the connection that settings make; what a library cannot make of them is told."""
    try:
        return settings.connect(options)
    except CatalogError:
        raise
    except Exception as error:
        raise translate_error(error, settings.address()) from error
