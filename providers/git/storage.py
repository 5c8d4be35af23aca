"""A folder of a git repository as a read-only storage.

Each listing fetches the current ref. Listed files can be read until the clone is closed, even if
the ref changes: their etag is the blob.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import ResourceChanged, ResourceNotFound, UnexpectedReply
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.paths import is_below
from providers.base import Fetched
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.git.clone import GitClone, GitFile
from providers.http.reader import HttpReader
from providers.shared.buffered_reader import BufferedReader
from providers.shared.read_only import ReadOnly


@error_boundary
class GitStorage(ReadOnly):
    """The files below one folder of a clone."""

    kind = "a git repository"
    capabilities = Capabilities(
        writable=False,
        etags=True,
        pinned_reads=True,
        digests=("sha256",),
        long_round_trip=True,
        raw_names=True,
    )

    def __init__(self, clone: GitClone, folder: str, *, on_close: OnClose = keep_open) -> None:
        """Serve `folder` of `clone`; '' is everything."""
        self._clone, self._folder, self._on_close = clone, folder, on_close

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every file of the current ref, without symbolic links and submodules."""
        whole = self._join_folder(prefix)
        files = self._clone.files(fresh=True)
        chosen = [path for path in files if is_below(whole, path)]
        if not chosen and not prefix and self._folder:
            raise ResourceNotFound(f"the ref has no folder {self._folder!r}", path=self._folder)
        for path in chosen:
            if recursive or "/" not in path[len(whole) + 1 if whole else 0 :]:
                yield _resource(path[len(self._folder) + 1 if self._folder else 0 :], files[path])

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file from the last listing."""
        return _resource(path, self._find_file(path, None))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole."""
        file = self._find_file(path, etag)
        if file.lfs is None:
            return Fetched(self._read_blob(path, file), _resource(path, file))
        with self._clone.lfs.get(path, file.lfs, file.size) as response:
            return Fetched(response.read(), _resource(path, file))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> BufferedReader | HttpReader:
        """Read a range of a local blob, or of an object in Git LFS."""
        file = self._find_file(path, etag)
        resource = _resource(path, file)
        if file.lfs is None:
            stop = None if length is None else start + length
            return BufferedReader(self._read_blob(path, file)[start:stop], resource)
        if length == 0 or start >= file.size:
            return BufferedReader(b"", resource)
        part = start > 0 or length is not None
        last = file.size if length is None else min(start + length, file.size)
        range_ = f"bytes={start}-{last - 1}" if part else ""
        response = self._clone.lfs.get(path, file.lfs, file.size, range_)
        content_range = response.header(b"content-range") or ""
        if response.status == 206 and not content_range.startswith(f"bytes {start}-"):
            response.close()
            raise UnexpectedReply(
                f"{path!r}: requested bytes from {start:,}, got {content_range!r}", path=path
            )
        skip = start if response.status == 200 else 0
        return HttpReader(response, resource, skip=skip, length=length)

    def close(self) -> None:
        """Release the clone."""
        self._on_close()

    def _join_folder(self, path: str) -> str:
        return "/".join(one for one in (self._folder, path) if one)

    def _find_file(self, path: str, etag: str | None) -> GitFile:
        """Return the current file, or its state with the given etag."""
        found = self._clone.files(fresh=False).get(self._join_folder(path))
        if etag is None or (found is not None and found.blob == etag):
            if found is None:
                raise ResourceNotFound(f"the ref has no file {path!r}", path=path)
            return found
        before = self._clone.file(etag)
        if before is None:
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        return before

    def _read_blob(self, path: str, file: GitFile) -> bytes:
        data = self._clone.blob(file.blob)
        if data is None:
            raise ResourceChanged(f"the clone no longer contains {path!r}", path=path)
        return data


def _resource(path: str, file: GitFile) -> Resource:
    digests = () if file.lfs is None else (Digest("sha256", file.lfs),)
    return Resource(path, size=file.size, etag=file.blob, digests=digests)
