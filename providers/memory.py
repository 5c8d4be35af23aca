"""Files in this process's memory: for tests, notebooks and trying things out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fsspec.implementations.memory import MemoryFileSystem
from pydantic import Field

from catalog.paths import clean_prefix
from providers.base import Capabilities, OpenOptions, ProviderSettings
from providers.fsspec_storage import FsspecStorage, Info, MissingRoot
from providers.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class MemorySettings(ProviderSettings):
    """A folder in memory, shared by all of this process and gone with it."""

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

    def open(self, options: OpenOptions) -> FsspecStorage:  # noqa: ARG002 - memory has no limits
        """Open the folder."""
        return FsspecStorage(
            self.filesystem(),
            "/" + clean_prefix(self.path),
            where=self.address(),
            capabilities=Capabilities(tree=True, etags=True),
            etag=_etag,
            missing_root=MissingRoot.EMPTY,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's memory filesystem, one for the whole process."""
        return MemoryFileSystem(skip_instance_cache=True, use_listings_cache=False)

    @classmethod
    def from_url(cls, url: str) -> MemorySettings:
        """Read `memory://folder`."""
        parsed = parse_url(url)
        return cls(path=clean_prefix(f"{parsed.host}{parsed.path}"))


def _etag(info: Info) -> str | None:
    """Return when the bytes were put there, to the microsecond: every write is a new one."""
    created = info.get("created")
    if created is None:
        return None
    moment = created if isinstance(created, int | float) else created.timestamp()
    return f"{int(moment * 1_000_000):x}-{info.get('size', 0):x}"
