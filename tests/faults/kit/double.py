"""A double of each library: the calls that a provider makes, failing with whatever may be raised.

What stands behind is real: the double only takes the place of one call while a block lasts, and
only for callers in `providers`.
"""

from __future__ import annotations

import errno
import importlib
import inspect
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from obstore.exceptions import BaseError, GenericError
from polars.exceptions import ComputeError
from pydantic import BaseModel, ValidationError


class _Strict(BaseModel):
    number: int


def _validation_error() -> Exception:
    try:
        _Strict.model_validate({"number": "x"})
    except ValidationError as error:
        return error
    raise AssertionError


ERRORS: dict[str, Callable[[], Exception]] = {
    "overflow": lambda: OverflowError("int too big to convert"),
    "key": lambda: KeyError("ETag"),
    "unicode": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "encode": lambda: UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
    "value": lambda: ValueError("embedded null byte"),
    "type": lambda: TypeError("'NoneType' object is not subscriptable"),
    "attribute": lambda: AttributeError("'NoneType' object has no attribute 'get'"),
    "index": lambda: IndexError("list index out of range"),
    "recursion": lambda: RecursionError("maximum recursion depth exceeded"),
    "runtime": lambda: RuntimeError("generator raised StopIteration"),
    "assertion": lambda: AssertionError("what cannot be"),
    "no room": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "quota": lambda: OSError(errno.EDQUOT, "Disk quota exceeded"),
    "denied": lambda: PermissionError(errno.EACCES, "Permission denied"),
    "read-only": lambda: OSError(errno.EROFS, "Read-only file system"),
    "broken disk": lambda: OSError(errno.EIO, "Input/output error"),
    "too many": lambda: OSError(errno.EMFILE, "Too many open files"),
    "time": lambda: TimeoutError("timed out"),
    "reset": lambda: ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    "end": lambda: EOFError("nothing more"),
    "botocore": lambda: ClientError({"Error": {"Code": "Odd"}}, "GetObject"),
    "botocore's connection": lambda: EndpointConnectionError(endpoint_url="http://x"),
    "obstore": lambda: GenericError("what nobody knows"),
    "obstore's base": lambda: BaseError("what nobody knows"),
    "polars": lambda: ComputeError("parquet: out of specification"),
    "pydantic": _validation_error,
}

_OS = ("open", "scandir", "stat", "fstat", "lstat", "write", "replace", "unlink")
_FILES = ("info", "ls", "cat_file", "pipe_file", "open", "rm_file", "makedirs", "put_file", "mv")
_SFTP = ("stat", "lstat", "open", "remove", "posix_rename", "link", "makedirs", "scandir")
_SFTP_FILE = ("read", "write", "close", "stat")
_FTP = ("sendcmd", "voidcmd", "ntransfercmd", "voidresp", "getresp", "putcmd", "delete", "rename")
_SOCKET = ("recv_into", "sendall")
_OBSTORE = ("get", "put", "delete")
SEAMS: dict[str, tuple[str, ...]] = {
    "local": (
        *(f"os:{name}" for name in (*_OS, "readv", "makedirs", "link", "utime", "fchmod")),
        "os.path:realpath",
    ),
    "memory": tuple(
        f"fsspec.implementations.memory:MemoryFileSystem.{name}"
        for name in (*_FILES[:-1], "cp_file")
    ),
    "http": tuple(f"socket:socket.{name}" for name in _SOCKET),
    "http, manifest": tuple(f"socket:socket.{name}" for name in _SOCKET),
    "api": tuple(f"socket:socket.{name}" for name in _SOCKET),
    "webdav": tuple(f"socket:socket.{name}" for name in _SOCKET),
    "gcs": tuple(f"socket:socket.{name}" for name in _SOCKET),
    "git": (
        *(f"dulwich.client:AbstractHttpGitClient.{one}" for one in ("get_refs", "fetch_pack")),
        "dulwich.client:GitClient.fetch",
        "dulwich.repo:Repo.init_bare",
        "dulwich.object_store:BaseObjectStore.__getitem__",
        *(
            f"dulwich.object_store:PackBasedObjectStore.{one}"
            for one in ("get_raw", "__contains__")
        ),
        *(f"socket:socket.{name}" for name in _SOCKET),
    ),
    "s3": ("s3fs:S3FileSystem.call_s3", *(f"obstore:{name}" for name in _OBSTORE)),
    "azure": (
        *(
            f"azure.storage.blob:ContainerClient.{name}"
            for name in ("list_blobs", "get_blob_client")
        ),
        "azure.storage.blob:BlobClient.get_blob_properties",
        *(f"obstore:{name}" for name in _OBSTORE),
    ),
    "sftp": (
        *(f"asyncssh:SFTPClient.{name}" for name in _SFTP),
        *(f"asyncssh:SFTPClientFile.{name}" for name in _SFTP_FILE),
        "asyncssh:connect",
    ),
    "ftp": tuple(f"ftplib:FTP.{name}" for name in _FTP),
    "fsspec": ("s3fs:S3FileSystem._info", "s3fs:S3FileSystem._call_s3"),
}
"""Place -> the calls of its libraries that it makes: `module:name`."""


@contextmanager
def failing(seam: str, error: Callable[[], Exception]) -> Generator[list[str]]:
    """Let one call of a library fail while the block lasts; yield who was struck."""
    module, _, name = seam.partition(":")
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for one in path:
        owner = getattr(owner, one)
    real: Any = getattr(owner, last)
    struck: list[str] = []

    def fail(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any call's
        if not _asked_by_us(seam):
            return real(*given, **named)
        struck.append(seam)
        raise error()

    async def fail_later(*_: object, **__: object) -> None:
        struck.append(seam)
        raise error()

    with pytest.MonkeyPatch.context() as patch:
        later = inspect.iscoroutinefunction(real)
        patch.setattr(owner, last, fail_later if later else fail)
        yield struck


def _asked_by_us(seam: str) -> bool:
    """Say whether a call of the system's comes from a provider; of a library's all do."""
    if not seam.startswith(("os", "socket")):
        return True
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage] - who asks
    for _ in range(40):
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("providers"):
            return True
        if name.startswith(("tests.", "_pytest", "logging", "importlib")) or frame.f_back is None:
            return False
        frame = frame.f_back
    return False
