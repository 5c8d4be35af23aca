"""A minimal fsspec filesystem for a git repository, for exploring it in a notebook."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from fsspec.archive import AbstractArchiveFileSystem

from catalog.model.gap import files_collecting_gaps
from providers.git.storage import GitStorage


class GitFileSystem(AbstractArchiveFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The files of a ref at the time it was opened."""

    protocol = "git"
    cachable = False

    def __init__(self, storage: GitStorage, **options: Any) -> None:  # noqa: ANN401 - fsspec's own
        """Own the storage."""
        super().__init__(**options)
        self._storage = storage
        self.dir_cache: dict[str, dict[str, Any]] | None = None

    def _get_dirs(self) -> None:
        if self.dir_cache is None:
            every = {
                file.path: file for file in files_collecting_gaps(self._storage.enumerate(), [])
            }
            self.dir_cache = {
                name: {"name": name, "size": 0, "type": "directory"}
                for name in self._all_dirnames(every)
            } | {
                name: {"name": name, "size": one.size, "type": "file", "etag": one.etag}
                for name, one in every.items()
            }

    def _open(  # pyright: ignore[reportIncompatibleMethodOverride] - as fsspec's own archives
        self,
        path: str,
        mode: str = "rb",
        **_: Any,  # noqa: ANN401 - fsspec's own
    ) -> BytesIO:
        if mode != "rb":
            raise ValueError("a git repository is read-only")
        return BytesIO(self._storage.fetch(path).data)
