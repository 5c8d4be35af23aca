"""Settings of files in this process's memory: for tests, notebooks and experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.capabilities import Capabilities
from providers.connection import NoConnection, OnClose, keep_open
from providers.shared.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.fsspec.storage import FsspecStorage


class MemorySettings(ProviderSettings, title="Memory"):
    """A folder in memory, shared by the whole process and lost when it ends."""

    type: Literal["memory"] = Field(
        default="memory", title="Type", description="Files in this process's memory."
    )
    path: str = Field(title="Folder", description="Name of the folder.", min_length=1)

    def address(self) -> str:
        """Return `memory://folder`."""
        return build_url("memory", "", clean_prefix(self.path)).replace(":///", "://")

    def connection_key(self) -> tuple[object, ...]:
        """Return nothing: there is no connection."""
        return ()

    def connect(self, options: OpenOptions) -> NoConnection:  # noqa: ARG002 - memory has no limits
        """Return no connection."""
        return NoConnection()

    def storage(
        self,
        connection: NoConnection,  # noqa: ARG002 - as above
        options: OpenOptions,  # noqa: ARG002 - as above
        *,
        on_close: OnClose = keep_open,
    ) -> FsspecStorage:
        """Return the folder."""
        from providers.fsspec.storage import FsspecStorage, MissingRoot  # noqa: PLC0415 - fsspec

        return FsspecStorage(
            self.filesystem(),
            "/" + clean_prefix(self.path),
            where=self.address(),
            capabilities=Capabilities(tree=True, etags=True),
            etag=_etag,
            missing_root=MissingRoot.EMPTY,
            on_close=on_close,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's memory filesystem, one for the whole process."""
        from fsspec.implementations.memory import MemoryFileSystem  # noqa: PLC0415 - seldom needed

        return MemoryFileSystem(skip_instance_cache=True, use_listings_cache=False)

    @classmethod
    def from_url(cls, url: str) -> MemorySettings:
        """Parse `memory://folder`."""
        parsed = parse_url(url)
        return cls(path=clean_prefix(f"{parsed.host}{parsed.path}"))


def _etag(info: Mapping[str, Any]) -> str | None:
    """Return creation time and size, which every write changes."""
    created = info.get("created")
    if created is None:
        return None
    moment = created if isinstance(created, int | float) else created.timestamp()
    return f"{int(moment * 1_000_000):x}-{info.get('size', 0):x}"
