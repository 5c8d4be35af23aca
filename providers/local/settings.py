"""Settings of a folder on this machine or on a mounted volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator

from catalog.errors import InvalidInput
from providers.base import OpenOptions, ProviderSettings
from providers.connection import NoConnection, OnClose, keep_open
from providers.local.listing import Symlinks
from providers.local.storage import LocalStorage, Placement
from providers.shared.allowed_roots import check_local_root

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class LocalSettings(ProviderSettings, title="Folder"):
    """A folder on this machine or on a mounted volume."""

    type: Literal["local"] = Field(
        default="local", title="Type", description="Files on this machine or a mounted volume."
    )
    path: str = Field(title="Folder", description="Absolute path of the folder.")
    placement: Placement = Field(
        default=Placement.COPY,
        title="Placement",
        description="How to store files from another local folder: copy them, or link to them.",
    )
    symlinks: Symlinks = Field(
        default=Symlinks.INSIDE,
        title="Symbolic links",
        description="Follow links that stay inside the folder, follow all links, or skip all.",
    )
    fsync: bool = Field(
        default=False,
        title="Flush to disk",
        description="Flush every file to disk before renaming it to its final name (slower).",
    )

    @field_validator("path")
    @classmethod
    def _make_absolute(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the folder must not be empty")
        return str(Path(value).expanduser().absolute())

    def address(self) -> str:
        """Return the folder as a `file://` URL."""
        return "file://" + self.path

    def connection_key(self) -> tuple[object, ...]:
        """Return nothing: there is no connection."""
        return ()

    def connect(self, options: OpenOptions) -> NoConnection:  # noqa: ARG002 - a folder has no limits
        """Return no connection: each storage is new, so none caches resolved links."""
        return NoConnection()

    def storage(
        self,
        connection: NoConnection,  # noqa: ARG002 - as above
        options: OpenOptions,  # noqa: ARG002 - as above
        *,
        on_close: OnClose = keep_open,  # noqa: ARG002 - nothing is open between calls
    ) -> LocalStorage:
        """Return the folder; it is created with the first file."""
        check_local_root(self.path)
        linked = self.placement is Placement.SYMLINK  # links that we created lead outside
        symlinks = Symlinks.FOLLOW if linked else self.symlinks
        return LocalStorage(self.path, self.placement, symlinks, fsync=self.fsync)

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's local filesystem."""
        from fsspec.implementations.local import LocalFileSystem  # noqa: PLC0415 - seldom needed

        return LocalFileSystem(auto_mkdir=True, skip_instance_cache=True)

    @classmethod
    def from_url(cls, url: str) -> LocalSettings:
        """Parse `file:///path` or a plain path."""
        path = url
        if url.startswith("file://"):
            path = unquote(url.removeprefix("file://").removeprefix("localhost"))
            if not path.startswith("/"):
                raise InvalidInput(f"{url!r} is not absolute: expected file:///path")
        return cls(path=path)


class UnpackedSettings(LocalSettings):
    """A temporary folder; the catalog identifies it by the address of the files' origin."""

    origin: str = Field(title="Origin", description="Address of the repository at its origin.")

    def address(self) -> str:
        """Return `archive+` and the origin's address, which is no local address."""
        return f"archive+{self.origin}"
